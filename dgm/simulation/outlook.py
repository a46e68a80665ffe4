"""What to expect of a budget: a short simulation of several policies, and what a run of each would take.

Invariant: figures come from simulated worlds alone; where a budget is too large to be simulated in the time, a smaller
one is, and that is said.
"""

import os
from collections.abc import Callable, Sequence
from math import fsum
from time import perf_counter

from msgspec import Struct

from dgm.simulation.families import family
from dgm.simulation.fitted import pace
from dgm.simulation.grid import Grid, Rows, gather
from dgm.simulation.intervals import Estimate, of_values, over_strata
from dgm.simulation.trial import Ran, Trial, play

LIKELY = 0.1
"""The range of single runs leaves out this part of them at each end."""
FEWEST, MOST = 3, 40
"""Worlds a family."""
SAMPLE = 150
"""Evaluations of the trials that tell how long others take."""
START = 3.0
"""Seconds that the processes need to begin."""


class Prospect(Struct, frozen=True):
    """What a policy makes of the budget, on average over families. Gains are true ones, over the seed, in success rate.

    `time`: in mean durations of an evaluation. `low`, `high`: 80 % of single runs lie between them. `overclaim`: how
    far what the run reports lies above the truth. `behind`: the gain less that of the best policy, on the same worlds.
    """

    policy: str
    evaluations: float
    expansions: float
    cost: float
    """In evaluations."""
    time: float
    gain: Estimate
    low: float
    high: float
    worse: float
    """The part of runs that return something below the seed."""
    overclaim: float
    behind: Estimate
    families: dict[str, float]
    """Mean gain in each."""

    @property
    def split(self) -> float:
        """The part of the budget that goes into expansions."""
        return 1.0 - self.evaluations / self.cost if self.cost else 0.0


def sized(
    policies: Sequence[str], families: Sequence[str], budget: int, k: float, slots: int, tasks: int, seconds: float
) -> Grid:
    """A grid that takes about `seconds`: with as many worlds as fit, or with a smaller budget."""
    began = perf_counter()
    for policy in policies:
        play(Trial(policy, families[0], 0, min(SAMPLE, budget), k, slots, tasks), curve=False)
    each = (perf_counter() - began) / min(SAMPLE, budget) * len(families)
    cores = len(os.sched_getaffinity(0))
    room = max(seconds - (perf_counter() - began) - START, 1.0) * cores / each  # evaluations of all policies
    simulated = min(budget, max(int(room / FEWEST), SAMPLE))
    seeds = range(min(MOST, max(FEWEST, int(room / simulated))))
    return Grid(tuple(policies), tuple(families), tuple(seeds), (simulated,), (k,), (slots,), tasks)


def prospects(grid: Grid, told: Callable[[int, int], None] = lambda done, run: None) -> list[Prospect]:
    """The best policy first. The grid has one budget, one k, one number of slots. Raises what `gather` raises."""
    rows = gather(grid, curves=False, told=told)
    gains = {policy: over_strata(_gains(grid, rows, policy)) for policy in grid.policies}
    order = sorted(grid.policies, key=lambda policy: -gains[policy].mean)
    return [_prospect(grid, rows, policy, order[0]) for policy in order]


def _runs(grid: Grid, rows: Rows, policy: str, name: str) -> list[Ran]:
    place = (grid.budgets[0], grid.ks[0], grid.slots[0], grid.tasks)
    return [rows[Trial(policy, name, seed, *place)] for seed in grid.seeds]


def _gains(grid: Grid, rows: Rows, policy: str, less: str | None = None) -> list[Estimate]:
    """By family; `less`: minus those of another policy in the same worlds."""
    found = []
    for name in grid.families:
        ran = [one.utility - one.root for one in _runs(grid, rows, policy, name)]
        if less is not None:
            other = _runs(grid, rows, less, name)
            ran = [gain - (two.utility - two.root) for gain, two in zip(ran, other, strict=True)]
        found.append(of_values(ran))
    return found


def _prospect(grid: Grid, rows: Rows, policy: str, best: str) -> Prospect:
    ran = [one for name in grid.families for one in _runs(grid, rows, policy, name)]
    single = sorted(one.utility - one.root for one in ran)
    cut = int(LIKELY * len(single))
    gains = _gains(grid, rows, policy)

    def mean(value: Callable[[Ran], float]) -> float:
        return fsum(map(value, ran)) / len(ran)

    times = [
        fsum(one.makespan / pace(family(name), 1 - one.utility) for one in _runs(grid, rows, policy, name))
        for name in grid.families
    ]
    evaluations, expansions = mean(lambda one: one.evaluations), mean(lambda one: one.expansions)
    return Prospect(
        policy=policy,
        evaluations=evaluations,
        expansions=expansions,
        cost=evaluations + grid.ks[0] * expansions,
        time=fsum(times) / len(ran),
        gain=over_strata(gains),
        low=single[cut],
        high=single[-1 - cut],
        worse=mean(lambda one: one.utility < one.root),
        overclaim=mean(lambda one: one.mean - one.utility),
        behind=over_strata(_gains(grid, rows, policy, best)),
        families={name: gain.mean for name, gain in zip(grid.families, gains, strict=True)},
    )
