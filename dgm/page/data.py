"""What the page shows, as JSON values: columns for what it needs at once, blocks for what is opened later.

Invariant: every text of an agent, a model or a task is printable here: control, bidi and invisible characters are
escapes. Which of them are hostile, nothing that follows needs to know.
"""

import time
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct

from dgm import __version__
from dgm.clade import Agent
from dgm.jobs import TaskId
from dgm.page.history import History, Point
from dgm.policies.conclusion import best
from dgm.report import JobRow, Tally, simulation
from dgm.statistics import paired_difference
from dgm.text import clip, plain
from dgm.tree import Tree

if TYPE_CHECKING:
    from dgm.page.details import Details

BLOCK = 50
"""Agents whose details are one block."""
SUMMARY, REASON, NAME = 240, 600, 200
"""Characters of a summary, a reason and a name of a task."""
TELLING = 6
"""Tasks that have to tell two agents apart before an interval can leave out 0: McNemar's exact p is 0.06 with 5."""
COMPARED = 200
"""Agents for which that interval is computed: the strongest, and those on the way to the best."""
JOBS = 1_500
"""Jobs that an agent's page lists."""


class Line(Struct, frozen=True):
    """A part of the report: what it is about, and what it says. `head`: it comes first; `columns`: it is aligned."""

    label: str
    words: str
    head: bool = False
    columns: bool = False


class Told(Struct, frozen=True):
    """What the page says of the run as a whole, and the text report too. `state`: as of `at`, seconds since 1970."""

    title: str
    state: str
    at: float
    simulation: str
    lines: tuple[Line, ...]


def core(history: History, told: Told) -> dict[str, Any]:
    """What the page needs at once."""
    tree = history.tree
    leader = best(tree)
    numbers = {task: n for n, task in enumerate(tasks(tree))}
    return {
        "version": __version__,
        "told": msgspec.to_builtins(told),
        "made": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(told.at)),
        "simulation": simulation(tree),
        "began": tree.began,
        "best": leader.index if leader else -1,
        "block": BLOCK,
        "tasks": [clip(task, NAME) for task in numbers],
        "quarantined": {clip(task, NAME): clip(why, REASON) for task, why in tree.quarantined.items()},
        "agents": agents(history, numbers),
        "failed": failed(history),
        "curve": curve(history.points, tree.began),
    }


def tasks(tree: Tree) -> list[TaskId]:
    """The run's tasks, and after them those that it had before it was amended."""
    return list(dict.fromkeys((*tree.tasks, *(task for agent in tree.agents.values() for task in agent.results))))


def agents(history: History, numbers: Mapping[TaskId, int]) -> dict[str, list[Any]]:
    """A column for each fact, an entry for each agent in order of birth. `results`: a character a task, `+`, `-` or
    `.` for none."""
    columns: dict[str, list[Any]] = {}
    near = compared(history.tree)
    for agent in history.tree.agents.values():
        told = _agent(agent, history, numbers)
        told["vsParent"] = _against(agent, agent.parent) if agent.index in near else None
        told["vsSeed"] = _against(agent, agent.lineage()[0]) if agent.index in near and agent.depth > 1 else None
        for name, value in told.items():
            columns.setdefault(name, []).append(value)
    return columns


def compared(tree: Tree) -> set[int]:
    """The agents, by index, for which the intervals of differences are worth their while."""
    leader = best(tree)
    ranked = sorted(tree.agents.values(), key=lambda one: (-Tally.of(one.solved, one.failed).low, one.index))
    return {one.index for one in (*ranked[:COMPARED], *(leader.lineage() if leader else ()))}


def _agent(agent: Agent, history: History, numbers: Mapping[TaskId, int]) -> dict[str, Any]:
    marks = ["."] * len(numbers)
    for task, solved in agent.results.items():
        marks[numbers[task]] = "+" if solved else "-"
    maker = history.makers.get(agent.job) if agent.job is not None else None
    flagged = sum(bool(job.flags) for job in history.jobs[agent.index])
    return {
        "id": agent.id,
        "parent": agent.parent.index if agent.parent else -1,
        "born": round(agent.born - history.tree.began, 1),
        "summary": clip(agent.summary, SUMMARY),
        "own": _tally(agent.solved, agent.failed),
        "clade": _tally(agent.clade_solved, agent.clade_failed),
        "usd": round(agent.usage.usd, 6),
        "tokens": agent.usage.tokens_in + agent.usage.tokens_out,
        "seconds": round(agent.usage.seconds, 1),
        "flagged": flagged,
        "running": len(agent.evaluating) + agent.expanding,
        "study": clip(maker.task, NAME) if maker and maker.task else "",
        "results": "".join(marks).rstrip("."),
    }


def _against(agent: Agent, other: Agent | None) -> list[float] | None:
    """[difference of success rates, low, high] on the tasks that both have met, 95 %; None where fewer than `TELLING`
    of these tell the two apart."""
    if other is None:
        return None
    both = [(won, other.results[task]) for task, won in agent.results.items() if task in other.results]
    gained, lost = sum(a and not b for a, b in both), sum(b and not a for a, b in both)
    if gained + lost < TELLING:
        return None
    found = paired_difference(gained, lost, len(both) - gained - lost)
    return [round(found.mean, 3), round(found.low, 3), round(found.high, 3)]


def _tally(solved: int, failed: int) -> list[float]:
    tally = Tally.of(solved, failed)
    return [solved, failed, round(tally.low, 3), round(tally.high, 3)]


def failed(history: History) -> dict[str, list[Any]]:
    """The children that failed: a column for each fact."""
    rows = history.stillborn
    return {
        "job": [row.id for _, row in rows],
        "parent": [parent for parent, _ in rows],
        "at": [round((row.ended or row.started) - history.tree.began, 1) for _, row in rows],
        "reason": [clip(row.reason, REASON) for _, row in rows],
        "study": [clip(row.task or "", NAME) for _, row in rows],
        "usd": [round(row.usage.usd, 6) for _, row in rows],
    }


def curve(points: list[Point], began: float) -> dict[str, list[Any]]:
    """How things stood: `hours` since the first event, `usd` and `tokens` as [evaluating, expanding, in vain]."""
    return {
        "hours": [round((point.at - began) / 3600, 5) for point in points],
        "evaluations": [point.evaluations for point in points],
        "rate": [round(point.solved / max(point.evaluations, 1), 4) for point in points],
        "leader": [point.leader for point in points],
        "best": [_tally(point.leader_solved, point.leader_failed) for point in points],
        "seed": [_tally(point.seed_solved, point.seed_failed) for point in points],
        "usd": [[round(one.usd, 4) for one in _usages(point)] for point in points],
        "tokens": [[one.tokens_in + one.tokens_out for one in _usages(point)] for point in points],
    }


def _usages(point: Point) -> Iterable[Any]:
    return point.evaluating, point.expanding, point.in_vain


# ---------------------------------------------------------------- what is opened later


def births(history: History, details: "Details") -> Iterator[list[Any]]:
    """Blocks of agents' details, in order of birth."""
    made: dict[int, Any] = {}
    for agent, making in details.births():
        jobs = history.jobs[agent.index]
        made[agent.index] = {
            "making": msgspec.to_builtins(making),
            "digest": agent.digest,
            "job": agent.job,
            "jobs": [_job(job, history) for job in jobs[-JOBS:]],
            "more": max(len(jobs) - JOBS, 0),
        }
    for begin in range(0, len(made), BLOCK):
        yield [made[n] for n in range(begin, min(begin + BLOCK, len(made)))]


def failures(history: History, details: "Details") -> Iterator[list[Any]]:
    """Blocks of the details of children that failed."""
    for begin in range(0, len(history.stillborn), BLOCK):
        yield [
            {
                "making": msgspec.to_builtins(details.failed(history.tree.agent(parent), row.id)),
                "jobs": [_job(row, history)],
            }
            for parent, row in history.stillborn[begin : begin + BLOCK]
        ]


def _job(job: JobRow, history: History) -> list[Any]:
    child = history.tree.agents[job.child].index if job.child is not None else -1
    usage = job.usage
    return [
        job.id,
        job.kind,
        clip(job.task or "", NAME),
        job.outcome,
        "" if job.child is not None else clip(job.reason, REASON),
        child,
        [clip(flag, 120) for flag in job.flags[:12]],
        round(usage.usd, 6),
        usage.tokens_in + usage.tokens_out,
        round(usage.seconds, 1),
        plain(job.author[:8]) if job.author else "",
    ]
