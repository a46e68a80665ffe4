"""The commands that carry agents out of an archive, and runs into one."""

from pathlib import Path
from typing import Annotated

import typer

from dgm.cli.app import AgentArgument, ArchiveOption, app
from dgm.cli.failing import guarded


@app.command(epilog="\b\nExample:\n  dgm export best ./my-agent")
@guarded
def export(
    agent: AgentArgument,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A new or empty folder.")],
    archive: ArchiveOption = None,
) -> None:
    """Write an agent's source to a folder."""
    from dgm.cli.agents import export_agent

    export_agent(agent, folder, archive)
