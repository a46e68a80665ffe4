"""What a replay shows: each agent's success rate on each benchmark under each model, and its difference to the seed.

Invariant: a function of the logs of the measurements; a gain is called one only where an interval, corrected for all
comparisons in the table, leaves out 0.
"""

import csv
import io
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from dgm.archive import LOG
from dgm.events import JobFailed, JobStarted, TaskScored
from dgm.jobs import AgentId, TaskId
from dgm.log import LogReader
from dgm.replay import Measured
from dgm.statistics import Difference
from dgm.text import csv_cell
from dgm.transfer.matrix import Block, Entrant
from dgm.verdicts import Match, Score, matched, scored

SPOILED = ("infra", "provider", "lost")
"""Failures of the environment."""


class Row(Struct, frozen=True):
    """An agent on a benchmark under a model. `agent`: its hash in the run, empty for one from a folder; `digest`: of
    its source. `attempts` have a verdict, `missing` have none (yet); `solved`: its rates, summed over `tasks` tasks
    that have one; `rate` with a 95 % interval. `gained`, `lost`: tasks on which it does better or worse than the seed,
    of `pairs`; `difference` with its 95 % interval, `p` and `verdict` corrected for all comparisons in the table; None
    and empty for the seed. There is no verdict on tasks that the run has chosen its agents by, and "undecided" before
    every attempt has come to an end. `taken`: verdicts that were paid for before; `failures`: attempts that the
    environment spoiled, `usd`: what all of it has cost. `left_out`: why it takes no part."""

    benchmark: str
    model: str
    name: str
    agent: AgentId
    digest: str
    seed: bool
    repeats: int
    tasks: int
    attempts: int
    missing: int
    complete: bool
    solved: float
    rate: float
    low: float
    high: float
    gained: int
    lost: int
    pairs: int
    difference: Difference | None
    p: float | None
    verdict: str
    taken: int
    failures: int
    usd: float
    left_out: str


class Group(Struct, frozen=True):
    """The rows of a benchmark under a model. `tasks`: how many count; `quarantined`: left out, as they cannot be
    trusted here; `held_out`: left out for the run's sake; `searched`: how many of them the run has chosen by."""

    benchmark: str
    model: str
    tasks: int
    quarantined: int
    held_out: int
    searched: int
    state: str
    rows: tuple[Row, ...]


class Aside(Struct):
    """What a log says of an agent beside its scores: verdicts that were paid for before, attempts that were spoiled."""

    taken: int = 0
    failures: int = 0


def groups(blocks: Sequence[Block], found: Mapping[str, Measured], entrants: Sequence[Entrant]) -> list[Group]:
    """`found`: the measurements by the name of their folder; `entrants`: the seed first."""
    results = [[found[cell.folder.name] for cell in block.cells] for block in blocks]
    outcomes = [{one.name: attempts_of(cells, one.name) for one in entrants} for cells in results]
    baseline = entrants[0].name
    first = {one.digest: one.name for one in reversed(entrants)}  # agents with the same source are one comparison
    rivals = [
        {name: block[name] for name in first.values() if name != baseline and block[name] and block[baseline]}
        for block in outcomes
    ]
    total = (len(first) - 1) * len(blocks)  # those that are yet to come, too: the correction is not to grow later
    made = []
    for block, cells, got, others in zip(blocks, results, outcomes, rivals, strict=True):
        tasks = cells[0].tasks
        matches = matched(got[baseline], others, tasks, total - len(others), needs=False)
        by_name = {match.agent: match for match in matches}
        asides = told_aside(cells)
        rows = tuple(
            row(block, cells, one, got[one.name], by_name.get(first[one.digest]), asides, entrants) for one in entrants
        )
        made.append(
            Group(
                benchmark=block.benchmark,
                model=block.model,
                tasks=len(tasks),
                quarantined=len(block.tasks) - len(tasks),
                held_out=len(block.held_out),
                searched=block.searched,
                state="; ".join(dict.fromkeys(cell.end.reason for cell in cells if cell.end.code)),
                rows=rows,
            )
        )
    return made


def attempts_of(cells: Iterable[Measured], name: str) -> dict[TaskId, list[bool]]:
    """What became of each task, repetition by repetition."""
    found: dict[TaskId, list[bool]] = {}
    for cell in cells:
        for task, solved in cell.results(name).items():
            found.setdefault(task, []).append(solved)
    return found


def row(
    block: Block,
    cells: Sequence[Measured],
    one: Entrant,
    outcomes: Mapping[TaskId, Sequence[bool]],
    match: Match | None,
    asides: Mapping[str, Aside],
    entrants: Sequence[Entrant],
) -> Row:
    score: Score = scored(one.name, outcomes, sum(len(cell.tasks) for cell in cells))
    aside = asides.get(one.digest, Aside())
    agents = [agent for cell in cells if (agent := cell.agent(one.name)) is not None]
    return Row(
        benchmark=block.benchmark,
        model=block.model,
        name=one.name,
        agent=one.agent,
        digest=one.digest,
        seed=one is entrants[0],
        repeats=len(cells),
        tasks=score.tasks,
        attempts=score.attempts,
        missing=score.missing,
        complete=score.missing == 0 and score.attempts > 0,
        solved=score.solved,
        rate=score.rate,
        low=score.low,
        high=score.high,
        gained=len(match.gained) if match else 0,
        lost=len(match.lost) if match else 0,
        pairs=match.pairs if match else 0,
        difference=match.difference if match else None,
        p=match.adjusted if match else None,
        verdict=verdict_of(match, block, cells),
        taken=aside.taken,
        failures=aside.failures,
        usd=sum(agent.usage.usd for agent in agents),
        left_out="; ".join(dict.fromkeys(cell.left_out[one.name] for cell in cells if one.name in cell.left_out)),
    )


def verdict_of(match: Match | None, block: Block, cells: Sequence[Measured]) -> str:
    """Before all attempts have come to an end it is open: who looks again and again sees luck some time."""
    if match is None or block.searched:
        return ""
    return "undecided" if any(cell.end.code for cell in cells) else match.verdict


def told_aside(cells: Iterable[Measured]) -> dict[str, Aside]:
    """By the digest of the source, over all repetitions."""
    found: dict[str, Aside] = {}
    for cell in cells:
        if not cell.tree.length:
            continue
        started: dict[int, AgentId] = {}
        for event in LogReader(cell.cell.folder / LOG).events():
            if isinstance(event, JobStarted):
                started[event.id] = event.job.agent
            elif isinstance(event, TaskScored | JobFailed):
                aside = found.setdefault(cell.tree.agents[started[event.job]].digest, Aside())
                if isinstance(event, TaskScored):
                    aside.taken += any(flag.startswith("cached: ") for flag in event.flags)
                else:
                    aside.failures += event.cause in SPOILED
    return found


def comma_separated(found: Iterable[Group]) -> str:
    """All rows as CSV, with a difference in three columns."""
    fields = [name for name in Row.__struct_fields__ if name != "difference"]
    place = fields.index("pairs") + 1
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow([*fields[:place], "difference", "difference_low", "difference_high", *fields[place:]])
    for group in found:
        for one in group.rows:
            values = [rounded(getattr(one, name)) for name in fields]
            gain = one.difference
            parts = ["", "", ""] if gain is None else map(rounded, (gain.mean, gain.low, gain.high))
            writer.writerow([*values[:place], *parts, *values[place:]])
    return file.getvalue()


def rounded(value: object) -> object:
    """Numbers with six digits; nothing for None; text that neither a terminal nor a spreadsheet obeys."""
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, str):
        return csv_cell(value)
    return "" if value is None else value


def shared(entrants: Sequence[Entrant]) -> dict[str, list[str]]:
    """The names of those that have the same source as others, by its digest."""
    times = Counter(one.digest for one in entrants)
    return {digest: [one.name for one in entrants if one.digest == digest] for digest, n in times.items() if n > 1}
