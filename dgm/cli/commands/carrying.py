"""The commands that carry agents out of an archive, and runs into one."""

from pathlib import Path
from typing import Annotated

import typer

from dgm.cli.app import AgentArgument, ArchiveOption, JsonOption, app
from dgm.cli.failing import guarded


@app.command(
    epilog="""\b
Examples:
  dgm export best ./my-agent
  python3 ./my-agent/agent.py REPO --task "Make the tests pass" --model NAME
  dgm export best ./source --source"""
)
@guarded
def export(
    agent: AgentArgument,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A new or empty folder.")],
    archive: ArchiveOption = None,
    source: Annotated[bool, typer.Option("--source", help="Write the agent's own files and nothing else.")] = False,
) -> None:
    """Write an agent as a folder that runs alone on any repository."""
    from dgm.cli.exporting import export_agent

    export_agent(agent, folder, archive, source)


@app.command(
    name="import",
    epilog="""\b
Examples:
  dgm import output_hgm/20251101120000_000000 --archive archive/hgm
  dgm import output_dgm/20250513123456_000000 --archive archive/dgm --seed ./dgm-checkout

The seed is the repository that the patches are made against: a checkout of it at the commit that was run. HGM keeps
a copy among its outputs. A file `start` in it, by the agent contract, makes agents that can be run here.""",
)
@guarded
def import_(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="The outputs of one run of DGM or HGM.")],
    archive: Annotated[Path, typer.Option("--archive", metavar="NEW", help="A new folder for the archive.")],
    seed: Annotated[
        Path | None, typer.Option("--seed", metavar="DIR", help="The source that the first patches were made against.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Read a finished run of the released DGM or HGM code into an archive."""
    from dgm.cli.importing import import_run

    import_run(folder, archive, seed, json)
