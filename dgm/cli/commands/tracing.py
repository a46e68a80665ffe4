"""The commands that follow a lineage: what its steps bought, and which of them gained which tasks."""

from typing import Annotated

import typer

from dgm.cli.app import AgentArgument, ArchiveOption, JsonOption, TrustOption, app
from dgm.cli.failing import guarded
from dgm.config import ConfigError


@app.command(
    epilog="""\b
Examples:
  dgm lineage best                what each edit from the seed down to the best agent bought
  dgm lineage 3f2a --all --json
  dgm lineage                     what all edits of the run bought, and how well scores tell agents apart"""
)
@guarded
def lineage(
    agent: Annotated[
        str | None,
        typer.Argument(metavar="AGENT", help="A prefix of its hash, `seed`, or `best`. Default: all edits."),
    ] = None,
    archive: ArchiveOption = None,
    every: Annotated[bool, typer.Option("--all", help="Every step; else the last 30.")] = False,
    json: JsonOption = False,
) -> None:
    """From the seed down to an agent: what each step changed, and the tasks it fixed, broke and kept."""
    if agent is None and every:
        raise ConfigError("--all is about the steps down to an agent: name one")
    if agent is None:
        from dgm.cli.signalling import show_signals

        show_signals(archive, json)
    else:
        from dgm.cli.tracing import show_lineage

        show_lineage(agent, archive, every, json)


@app.command(
    epilog="""\b
Examples:
  dgm blame best                  which edit gained which of its tasks
  dgm blame best --lines start    who wrote which line of a file
  dgm blame best --verify         take the edits back, one at a time, and try their tasks again
  dgm blame best --verify --step 3f2a --repeats 6"""
)
@guarded
def blame(
    agent: AgentArgument,
    archive: ArchiveOption = None,
    lines: Annotated[
        str | None, typer.Option("--lines", metavar="FILE", help="Its lines, with who wrote each.")
    ] = None,
    verify: Annotated[
        bool, typer.Option("--verify", help="Try the claimed tasks with and without the edit. Costs evaluations.")
    ] = False,
    step: Annotated[
        list[str] | None,
        typer.Option(
            "--step", metavar="AGENT", help="Only the edit that made it, and all that it may have gained. Repeatable."
        ),
    ] = None,
    repeat: Annotated[
        int | None,
        typer.Option(
            "--repeats", metavar="K", min=1, max=100, help="Attempts at each task, with and without. Default: 1."
        ),
    ] = None,
    usd: Annotated[
        float | None,
        typer.Option("--usd", min=0, metavar="USD", help="What it may cost. Default: caps.usd_per_run of the run."),
    ] = None,
    trust: TrustOption = False,
    json: JsonOption = False,
) -> None:
    """Which ancestor's edit gained which of an agent's tasks, or wrote which of its lines."""
    if not verify and (repeat is not None or usd is not None or trust):
        raise ConfigError("--repeats, --usd and --trust are about new attempts, which only --verify makes")
    if lines is not None and (verify or step):
        raise ConfigError("--lines is about a file, --step and --verify are about tasks: give one or the other")
    if lines is not None:
        from dgm.cli.blaming import show_lines

        show_lines(agent, lines, archive, json)
    elif verify:
        from dgm.cli.verifying import verify_blame

        verify_blame(agent, step or [], repeat or 1, usd, trust, archive, json)
    else:
        from dgm.cli.blaming import show_blame

        show_blame(agent, step or [], archive, json)
