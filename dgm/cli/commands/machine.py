"""The commands that examine an archive on the disk, or this machine."""

from typing import Annotated

import typer

from dgm.cli.app import ArchiveOption, ConfigArgument, JsonOption, SetOption, app
from dgm.cli.failing import guarded


@app.command(epilog="\b\nExamples:\n  dgm check\n  dgm check --repair --archive archive/first")
@guarded
def check(
    archive: ArchiveOption = None,
    repair: Annotated[bool, typer.Option("--repair", help="Mend what can be mended; keeps a copy of the log.")] = False,
    json: JsonOption = False,
) -> None:
    """Whether log, git and artifacts agree."""
    from dgm.cli.checking import check_archive

    check_archive(archive, repair, json)


@app.command(epilog="\b\nExamples:\n  dgm doctor\n  dgm doctor dgm.toml --call\n  dgm doctor dgm.toml --attack")
@guarded
def doctor(
    config: ConfigArgument = None,
    set: SetOption = None,
    archive: ArchiveOption = None,
    call: Annotated[bool, typer.Option("--call", help="Ask each model one tiny question; it may cost.")] = False,
    attack: Annotated[
        bool, typer.Option("--attack", help="Try to cheat, leak, escape and flood, as hostile agents would; free.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Whether this machine is fit for a run, and what to do if not."""
    if attack:
        from dgm.cli.attacking import attack_machine

        return attack_machine(config, set or [], json)
    from dgm.cli.checking import examine_machine

    examine_machine(config, set or [], archive, call, json)
