"""`lineage AGENT`: what the steps down to one agent changed and bought.

Invariant: where outcomes cannot tell, it is said; no gain is claimed but where its interval leaves out 0.
"""

from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

from msgspec import Struct

from dgm.archive import Reader
from dgm.clade import Agent
from dgm.cli.looking import SIMULATION
from dgm.cli.reading import open_reader
from dgm.expand import Diagnosis
from dgm.files import Files
from dgm.jobs import AgentId, JobId, TaskId
from dgm.lineage.expansions import Expansions
from dgm.lineage.lines import FileChange
from dgm.lineage.steps import Exchange, Step, compared, exchange, step
from dgm.log import Damaged
from dgm.policies.conclusion import best
from dgm.report import AgentRow, find, row, simulation
from dgm.shrinkage import fitted, surviving
from dgm.store import load
from dgm.text import clip, count, fold, interval, note, out, out_json, plain, points, short, styled, width

LAST = 30
"""Steps that are shown of a longer lineage."""
INDENT = 10
ENOUGH = 12
"""Columns that are enough for the beginning of a summary."""


class Descent(Struct, frozen=True):
    """From the seed down to an agent. `omitted`: steps before the first of `steps` that are left out; `whole`: from the
    seed to the agent at once."""

    agent: AgentRow
    simulation: bool
    seed: AgentId
    omitted: int
    steps: tuple[Step, ...]
    whole: Exchange


def show_lineage(name: str, archive: Path | None, every: bool, as_json: bool) -> None:
    expansions = Expansions()
    reader = open_reader(archive, expansions)
    agent = find(reader.tree, name)
    found = descent(reader, agent, expansions, None if every else LAST)
    if as_json:
        out_json(found)
        return
    for lines in descent_lines(found):
        out(*fold(lines, INDENT))
    if found.simulation:
        out(*fold([SIMULATION], INDENT))


def descent(reader: Reader, agent: Agent, expansions: Expansions, last: int | None = None) -> Descent:
    """`last`: how many of the steps are wanted."""
    lineage = agent.lineage()
    wanted = lineage if last is None else lineage[-last - 1 :]
    source = reading(reader)
    prior = fitted((one.solved, one.failed) for one in reader.tree.agents.values())
    looks = compared(reader.tree)
    steps = []
    before = source(wanted[0].id)
    for parent, child in pairwise(wanted):
        after = source(child.id)
        sources = None if before is None or after is None else (before, after)
        steps.append(
            step(
                parent,
                child,
                expansions,
                lambda job: diagnosis(reader, job),
                sources,
                lambda one: surviving((one.solved, one.failed), prior),
                looks,
            )
        )
        before = after
    return Descent(
        agent=row(agent, best(reader.tree)),
        simulation=simulation(reader.tree),
        seed=lineage[0].id,
        omitted=len(lineage) - len(wanted),
        steps=tuple(steps),
        whole=exchange(lineage[0], agent, looks),
    )


def reading(reader: Reader) -> Callable[[AgentId], Files | None]:
    """What reads sources; None for one that is missing or damaged, which is said once."""
    missed: list[Damaged] = []

    def source(agent: AgentId) -> Files | None:
        try:
            return reader.source(agent)
        except Damaged as damage:
            if not missed:
                note(*fold([f"Not all sources can be read: {plain(str(damage))}"], INDENT))
            missed.append(damage)
            return None

    return source


def diagnosis(reader: Reader, job: JobId) -> Diagnosis | None:
    """None where none is kept, or none that can be read."""
    try:
        return load(reader.folder(job) / "diagnosis.json", Diagnosis)
    except OSError:
        return None


# ---------------------------------------------------------------- in words


def descent_lines(found: Descent) -> Iterator[list[str]]:
    if found.agent.seed:
        yield [f"{short(found.agent.id)}  is a seed: nothing led to it"]
        return
    if found.omitted:
        yield [
            f"{count(found.omitted, 'step')} from the seed {short(found.seed)} on not shown: --all shows every one",
            "",
        ]
    for one in found.steps:
        yield step_lines(one)
    yield overview(found, width())
    yield [
        "",
        f"{'in all':<{INDENT}}{'; '.join(exchange_words(found.whole))}",
        *task_lines(found.whole),
        "",
        f"With {count(found.whole.looks, 'agent')} to pick from, at least {found.whole.least} tasks have to be fixed, "
        "and none broken, to tell one of them from luck.",
        "Each score is one attempt, so some of what changed is luck. The agents of a lineage were chosen for scores on "
        "these very tasks, which makes its gains look larger than they are: only new tasks can tell.",
    ]


def overview(found: Descent, room: int) -> list[str]:
    """A line a step."""
    head = f"{'agent':<{INDENT}}{'fixed':>5}{'broken':>8}{'kept':>6}{'failed':>8}{'points':>8}{'95 %':>14}  "
    left = room - len(head)
    lines = [styled(head + ("change" if left >= ENOUGH else ""), "dim")]
    for one in found.steps:
        bought, gain = one.bought, one.bought.difference
        numbers = f"{len(bought.fixed):>5}{len(bought.broken):>8}{len(bought.kept):>6}{len(bought.unsolved):>8}"
        told = f"{points(gain):>8}{interval(gain):>14}" if bought.tasks else f"{'-':>8}{'-':>14}"
        change = clip(one.summary, left) if left >= ENOUGH else ""
        lines.append(f"{short(one.agent):<{INDENT}}{numbers}{told}  {change}")
    return lines


def step_lines(one: Step) -> list[str]:
    by = f" by {short(one.author)}" if one.author else ""
    made = f"{short(one.parent)} rewritten{by}" + (f" in job {one.job}" if one.job else "")
    lines = [styled(f"{short(one.agent):<{INDENT}}{clip(one.summary or '(no summary)', 400)}", "bold")]
    lines.append(f"{'made of':<{INDENT}}{made}{study_words(one)}")
    if one.diagnosis is None:
        lines.append(f"{'brief':<{INDENT}}not kept")
    else:
        said = (("weakness", one.diagnosis.weakness), ("brief", one.diagnosis.brief))
        lines += [f"{name:<{INDENT}}{clip(words, 600)}" for name, words in said if words]
    lines.append(f"{'files':<{INDENT}}{files_words(one.files)}")
    lines.append(f"{'bought':<{INDENT}}{'; '.join(exchange_words(one.bought))}")
    lines += task_lines(one.bought)
    lines.append(f"{'at large':<{INDENT}}{'; '.join(large_words(one))}")
    return [*lines, ""]


def study_words(one: Step) -> str:
    if one.study is None:
        return ""
    then = {True: "which the child solves", False: "which the child fails too", None: "which the child has not tried"}
    return f", from a failure on {clip(one.study, 100)}, {then[one.study_solved]}"


def files_words(files: tuple[FileChange, ...] | None, most: int = 8) -> str:
    if files is None:
        return "not to be read"
    told = [
        f"{clip(file.path, 80)}{'' if file.change == 'changed' else f' ({file.change})'}"
        + (f" +{file.added} -{file.removed}" if file.text else " (no text)")
        for file in files[:most]
    ]
    more = [f"and {len(files) - most:,} more"] if len(files) > most else []
    return ", ".join([*told, *more]) or "nothing has changed"


def exchange_words(found: Exchange) -> list[str]:
    if not found.tasks:
        return ["nothing can be told: there is no task that both were tried on"]
    kinds = (("fixed", found.fixed), ("broken", found.broken), ("kept", found.kept), ("still failed", found.unsolved))
    told = ", ".join(f"{len(tasks)} {name}" for name, tasks in kinds)
    gain = found.difference
    word: str = found.verdict
    if found.verdict != "undecided":
        word += " on these tasks"
    elif not gain.low <= 0 <= gain.high:
        word += f", since {count(found.looks, 'agent')} were compared: some differ as much by luck"
    if found.tasks < found.least:
        word += ", as too few tasks"
    return [
        f"{told}, of {count(found.tasks, 'task')} that both were tried on",
        f"{points(gain)} points, 95 % interval {interval(gain)}: {word}",
    ]


def large_words(one: Step) -> list[str]:
    """What the results on other tasks, and of other agents, say."""
    gain = one.shrunk
    words = f"{points(gain)} points, {interval(gain)}, by all results of both, each drawn to"
    return [
        f"{words} the mean of all agents",
        f"{rate_words(one.clade_solved, one.clade_evaluated)} solved in its clade, "
        f"{rate_words(one.others_solved, one.others_evaluated)} by the parent's other descendants",
    ]


def rate_words(solved: int, evaluated: int) -> str:
    return f"{solved / evaluated:.0%} of {evaluated:,}" if evaluated else "nothing"


def task_lines(found: Exchange, most: int = 12) -> list[str]:
    lines = []
    for name, style, tasks in (("fixed", "green", found.fixed), ("broken", "red", found.broken)):
        if tasks:
            lines.append(f"{styled(f'{name:<{INDENT}}', style)}{some_tasks(tasks, most)}")
    return lines


def some_tasks(tasks: tuple[TaskId, ...] | list[TaskId], most: int = 12) -> str:
    more = f" and {len(tasks) - most:,} more" if len(tasks) > most else ""
    return ", ".join(clip(task, 100) for task in tasks[:most]) + more
