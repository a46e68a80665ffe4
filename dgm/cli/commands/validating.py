"""The command that compares agents on held-out tasks."""

from typing import Annotated

import typer

from dgm.cli.app import ArchiveOption, JsonOption, TrustOption, app
from dgm.cli.failing import guarded


@app.command(
    epilog="""\b
Examples:
  dgm validate                    the best agent and the seed on the run's held-out tasks
  dgm validate 3f2a --repeats 3   another one as well, three attempts a task
  dgm validate --usd 5 --json

A run has held-out tasks if its setting run.held_out says so. Each use of them is recorded; the same command goes on
after an interruption, and shows the same use again once it is finished. docs/statistics.md says what the words mean."""
)
@guarded
def validate(
    agents: Annotated[
        list[str] | None,
        typer.Argument(metavar="AGENT", help="Rivals of the best agent: prefixes of hashes.", show_default=False),
    ] = None,
    archive: ArchiveOption = None,
    repeat: Annotated[
        int, typer.Option("--repeats", metavar="K", min=1, max=100, help="Attempts of each agent at each task.")
    ] = 1,
    usd: Annotated[
        float | None,
        typer.Option("--usd", min=0, metavar="USD", help="Spend no more than this. Default: caps.usd_per_run."),
    ] = None,
    trust: TrustOption = False,
    json: JsonOption = False,
) -> None:
    """Compare the best agent with the seed on held-out tasks: improved, worse, or undecided."""
    from dgm.cli.validating import validate as run

    run(agents or [], archive, repeat, usd, trust, json)
