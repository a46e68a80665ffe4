"""The commands that look at a run and at its agents."""

from enum import Enum
from typing import Annotated

import typer

from dgm.cli.app import AgentArgument, ArchiveOption, JsonOption, app
from dgm.cli.failing import guarded


class Status(Enum):
    """As `dgm.lineage.forest.Standing`, which is not imported for the help."""

    new = "new"
    running = "running"
    evaluated = "evaluated"
    barren = "barren"
    exhausted = "exhausted"


@app.command(epilog="\b\nExamples:\n  dgm status\n  dgm status --archive archive/first --watch\n  dgm status --json")
@guarded
def status(
    archive: ArchiveOption = None,
    json: JsonOption = False,
    watch: Annotated[bool, typer.Option("--watch", help="Stay and show what happens.")] = False,
) -> None:
    """A run at a glance, also while it goes on."""
    if watch:
        from dgm.cli.driving import look_on

        look_on(archive)
    else:
        from dgm.cli.looking import show_status

        show_status(archive, json)


@app.command(
    epilog="""\b
Examples:
  dgm tree
  dgm tree --all
  dgm tree --top 20
  dgm tree --min-score 0.5 --depth 4
  dgm tree --status running --status barren
  dgm tree --json"""
)
@guarded
def tree(
    archive: ArchiveOption = None,
    every: Annotated[bool, typer.Option("--all", help="Every agent; else a large tree is folded.")] = False,
    depth: Annotated[
        int | None, typer.Option("--depth", min=0, metavar="N", help="No deeper than this; the seed is 0.")
    ] = None,
    top: Annotated[
        int | None, typer.Option("--top", min=1, metavar="N", help="The best N agents and their ancestors.")
    ] = None,
    min_score: Annotated[
        float | None,
        typer.Option("--min-score", min=0, max=1, metavar="X", help="Solved per evaluation, at least so much."),
    ] = None,
    status: Annotated[
        list[Status] | None,
        typer.Option(
            "--status",
            metavar="S",
            help="One of new, running, evaluated, barren (no more children), exhausted (no more jobs). Repeatable.",
        ),
    ] = None,
    json: JsonOption = False,
) -> None:
    """The lineage: scores with intervals, clade metaproductivity, costs, status and changes; the best path marked."""
    from dgm.cli.looking import show_tree

    show_tree(archive, depth, top, min_score, [one.value for one in status or []], every, json)


@app.command(epilog="\b\nExamples:\n  dgm best\n  dgm best --json")
@guarded
def best(archive: ArchiveOption = None, json: JsonOption = False) -> None:
    """The best agent, and whether it is better than the seed."""
    from dgm.cli.looking import show_best

    show_best(archive, json)


@app.command(epilog="\b\nExamples:\n  dgm show best\n  dgm show 3f2a --json")
@guarded
def show(agent: AgentArgument, archive: ArchiveOption = None, json: JsonOption = False) -> None:
    """All about one agent: lineage, results, cost, files."""
    from dgm.cli.agents import show_agent

    show_agent(agent, archive, json)


@app.command(epilog="\b\nExamples:\n  dgm diff best\n  dgm diff seed best")
@guarded
def diff(
    a: Annotated[str, typer.Argument(metavar="A", help="A prefix of a hash, `seed`, or `best`.")],
    b: Annotated[str | None, typer.Argument(metavar="B", help="Default: A's parent, and then from it to A.")] = None,
    archive: ArchiveOption = None,
    json: JsonOption = False,
) -> None:
    """The difference between two agents' sources, from A to B; with A alone, from its parent to A."""
    from dgm.cli.agents import show_diff

    show_diff(a, b, archive, json)


@app.command(
    epilog="""\b
Examples:
  dgm log best
  dgm log best --transcript 12
  dgm log best --grade 12         the verdict of job 12: tests, image, patch
  dgm log 3f2a --json"""
)
@guarded
def log(
    agent: AgentArgument,
    archive: ArchiveOption = None,
    json: JsonOption = False,
    transcript: Annotated[
        int | None, typer.Option("--transcript", metavar="JOB", help="Print what was said in one of its jobs.")
    ] = None,
    grade: Annotated[
        int | None, typer.Option("--grade", metavar="JOB", help="Print the verdict of one, and what it rests on.")
    ] = None,
) -> None:
    """An agent's attempts: the job that made it, its evaluations, the expansions of it."""
    from dgm.cli.agents import show_log, show_transcript

    if transcript is not None:
        show_transcript(agent, transcript, archive, json)
    elif grade is not None:
        from dgm.cli.grading import show_grade

        show_grade(agent, grade, archive, json)
    else:
        show_log(agent, archive, json)
