"""The command that tells why a job was chosen."""

from typing import Annotated

import typer

from dgm.cli.app import ArchiveOption, JsonOption, app
from dgm.cli.failing import guarded


@app.command(
    epilog="""\b
Examples:
  dgm explain                     the last choice of the run
  dgm explain 312                 why job 312: its agent, its task
  dgm explain best                the choices that led to the best agent
  dgm explain best --json
  dgm explain --check             recompute all choices of the log

With --check, exit code 1 where a choice comes out otherwise or cannot be recomputed."""
)
@guarded
def explain(
    name: Annotated[
        str | None, typer.Argument(metavar="JOB|AGENT", help="A job's number, or an agent. Default: the last job.")
    ] = None,
    archive: ArchiveOption = None,
    json: JsonOption = False,
    check: Annotated[bool, typer.Option("--check", help="Recompute every choice, and count.")] = False,
    redraws: Annotated[
        int, typer.Option("--redraws", min=0, metavar="N", help="Choices with other random numbers, to tell the odds.")
    ] = 200,
    policy: Annotated[
        str,
        typer.Option("--policy", metavar="PATH", help="Run the code of the log's own policy, which is none of ours."),
    ] = "",
) -> None:
    """Why this agent and this task, at that moment: recomputed from the log, and held against it."""
    if check:
        from dgm.cli.retracing import show_check

        show_check(archive, json, policy)
    else:
        from dgm.cli.explaining import show_explanation

        show_explanation(name, archive, json, redraws, policy)
