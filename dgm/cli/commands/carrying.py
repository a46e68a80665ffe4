"""The commands that carry agents out of an archive, and runs into one."""

from pathlib import Path
from typing import Annotated

import typer

from dgm.cli.app import AgentArgument, ArchiveOption, app
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
