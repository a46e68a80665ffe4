"""What outcomes on held-out tasks say of agents: scores, comparisons with a baseline, and what is left of a claim.

Invariant: a function of the outcomes and of how many comparisons there were before, nothing else; a verdict other than
"undecided" stands beside an interval, corrected for the other comparisons, that leaves out 0.
"""

from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from dgm.jobs import AgentId, TaskId
from dgm.statistics import LEVEL, Difference, Verdict, clustered, holm, tasks_needed, verdict, wilson

SMALL = 0.05
"""The difference of success rates that one would like to see;"""
POWER = 0.8
"""and with what chance."""

Outcomes = Mapping[TaskId, Sequence[bool]]
"""Of one agent: for each task, whether it was solved, attempt by attempt; attempts without a verdict are not in it."""


class Score(Struct, frozen=True):
    """One agent's outcomes. `solved`: the sum of its rates, task by task, over `tasks` tasks with a verdict.
    `attempts`: verdicts; `missing`: attempts that came to none. `low`, `high`: Wilson's 95 % interval of the rate."""

    agent: AgentId
    tasks: int
    solved: float
    attempts: int
    missing: int
    low: float
    high: float

    @property
    def rate(self) -> float:
        return self.solved / self.tasks if self.tasks else 0.0


class Match(Struct, frozen=True):
    """`agent` against the baseline, on the tasks that both have a verdict on. `gained`, `lost`: tasks on which its rate
    is higher, or lower; `unpaired`: tasks that were left out. `difference`: with a 95 % interval, and the p-value `p`,
    as if it were the only comparison. `adjusted`: the p-value corrected by Holm's method; `corrected`: with the
    interval at `level` that says the same; `verdict`: what that allows. `needed`: the tasks that show a difference of
    5 points with a chance of 80 %, if tasks tell the two apart as often as these do; None without pairs."""

    agent: AgentId
    gained: tuple[TaskId, ...]
    lost: tuple[TaskId, ...]
    same: int
    unpaired: tuple[TaskId, ...]
    difference: Difference
    p: float
    adjusted: float
    level: float
    corrected: Difference
    verdict: Verdict
    needed: int | None

    @property
    def pairs(self) -> int:
        return len(self.gained) + len(self.lost) + self.same


def scored(agent: AgentId, outcomes: Outcomes, attempts: int) -> Score:
    """`attempts`: how many there were to be."""
    rates = [rate(one) for one in outcomes.values() if one]
    had = sum(map(len, outcomes.values()))
    solved = sum(rates)
    low, high = wilson(min(solved, len(rates)), len(rates))
    return Score(agent, len(rates), solved, had, attempts - had, low, high)


def matched(
    baseline: Outcomes,
    rivals: Mapping[AgentId, Outcomes],
    tasks: Iterable[TaskId],
    before: int = 0,
    needs: bool = True,
) -> list[Match]:
    """Each of `rivals` against `baseline`. `before`: comparisons that were made on these tasks earlier, which count
    among those that are corrected for. `needs`: work out `needed`, which takes a numerical library."""
    tasks = list(tasks)
    pairs = {rival: paired(baseline, outcomes, tasks) for rival, outcomes in rivals.items()}
    ps = {rival: clustered(list(found.values()))[1] for rival, found in pairs.items()}
    adjusted = dict(zip(ps, holm([*ps.values(), *[1.0] * before]), strict=False))
    level = levels(ps, adjusted, before)
    return [
        match(rival, found, tasks, ps[rival], adjusted[rival], level[rival], needs) for rival, found in pairs.items()
    ]


def match(
    rival: AgentId,
    found: Mapping[TaskId, float],
    tasks: Sequence[TaskId],
    p: float,
    adjusted: float,
    level: float,
    needs: bool,
) -> Match:
    values = list(found.values())
    corrected = clustered(values, level)[0]
    differing = sum(value * value for value in values) / len(values) if values else 0.0
    return Match(
        agent=rival,
        gained=tuple(task for task, value in found.items() if value > 0),
        lost=tuple(task for task, value in found.items() if value < 0),
        same=values.count(0),
        unpaired=tuple(task for task in tasks if task not in found),
        difference=clustered(values)[0],
        p=p,
        adjusted=adjusted,
        level=level,
        corrected=corrected,
        verdict=verdict(corrected),
        needed=tasks_needed(SMALL, differing, POWER) if values and needs else None,
    )


def paired(baseline: Outcomes, rival: Outcomes, tasks: Iterable[TaskId]) -> dict[TaskId, float]:
    """Task to the difference of the two rates on it, where both have one."""
    return {task: rate(rival[task]) - rate(baseline[task]) for task in tasks if rival.get(task) and baseline.get(task)}


def rate(outcomes: Sequence[bool]) -> float:
    return sum(outcomes) / len(outcomes)


def levels(ps: Mapping[AgentId, float], adjusted: Mapping[AgentId, float], before: int) -> dict[AgentId, float]:
    """At which level the interval of each comparison leaves out 0 if and only if Holm's method rejects.

    The comparison of rank r from 0 among m is tested at alpha / (m - r), and all that follow the first one that is not
    rejected are measured by what that one was.
    """
    total, found, rank = len(ps) + before, {}, 0
    for rival in sorted(ps, key=lambda rival: ps[rival]):
        found[rival] = 1 - (1 - LEVEL) / (total - rank)
        rank += adjusted[rival] <= 1 - LEVEL
    return found
