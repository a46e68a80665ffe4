"""The command that reports on a run as a whole."""

from pathlib import Path
from typing import Annotated

import typer

from dgm.cli.app import ArchiveOption, JsonOption, app
from dgm.cli.failing import guarded


@app.command(
    epilog="""\b
Examples:
  dgm report
  dgm report --html run.html                one file, which opens without a network
  dgm report --html run.html --lines 0      a small one, without differences of sources
  dgm report --html run.html --said 30000   with what was said while each child was made"""
)
@guarded
def report(
    archive: ArchiveOption = None,
    html: Annotated[Path | None, typer.Option("--html", metavar="FILE", help="Write it as a page.")] = None,
    lines: Annotated[
        int,
        typer.Option(
            "--lines", min=0, metavar="N", help="In a page: lines of each file's difference; 0: no differences."
        ),
    ] = 300,
    said: Annotated[
        int,
        typer.Option("--said", min=0, metavar="CHARACTERS", help="In a page: of what was said while a child was made."),
    ] = 0,
    force: Annotated[bool, typer.Option("--force", help="Replace FILE even if it is no report.")] = False,
    json: JsonOption = False,
) -> None:
    """The whole run on a screen or two, or as a page with its tree, agents and tasks."""
    from dgm.cli.reporting import show_report, write_page

    if html is not None:
        write_page(archive, html, lines, said, force, json)
    else:
        show_report(archive, json)
