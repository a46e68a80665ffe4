"""What many trials say of each policy: utility, paired differences, work, calibration, cost to reach another's result.

Invariant: policies are compared on the same worlds only, trial by trial.
"""

from collections.abc import Callable, Iterable, Sequence
from math import fsum, inf, isnan, nan

from msgspec import Struct
from msgspec.structs import replace

from dgm.policies.budget import worth
from dgm.simulation.grid import Grid, Rows
from dgm.simulation.intervals import Estimate, of_values, over_strata
from dgm.simulation.trial import Ran, Trial

NAMED, RANDOM = "mean of families", "mean of random families"
"""Names of the rows over all families that were made by hand, as strata, and over all random ones, as clusters."""
NOISE = 0.005
"""A true gain up to this is none."""


class Setting(Struct, frozen=True):
    budget: int
    k: float
    slots: int
    tasks: int


class Cell(Struct, frozen=True):
    """A policy in one setting in a family, or over families. Intervals are 95 % half-widths, NaN where there is none;
    utilities are true ones."""

    setting: Setting
    family: str
    policy: str
    trials: int
    families: int
    root: float
    """The seed's utility."""
    utility: Estimate
    difference: Estimate
    """To the reference, on the same worlds."""
    behind: Estimate
    """The difference to the reference with the grid's largest budget, which costs more."""
    part: float
    """The part of that one's budget that this one has."""
    better: float
    """Share of worlds in which it ended higher than the reference; a tie is half of one."""
    evaluations: float
    expansions: float
    cost: float
    """In evaluations."""
    makespan: float
    """In evaluations' median times."""
    depth: float
    """Generations from the seed to the returned agent."""
    coverage: float
    """Share of trials whose 90 % interval holds the true utility on hidden tasks,"""
    coverage_visible: float
    """and on those of the search."""
    overclaim: Estimate
    """Claimed mean minus true utility."""
    claims: float
    """Share of trials that claim a gain: its interval lies above 0."""
    false_claims: float
    """Share of all trials that claim one where the true gain is 0.005 or less."""
    worse: float
    """Share that return an agent below the seed."""
    reached: float
    """The part of the budget after which the mean of what the run would return has reached the reference's final one;
    infinite where it never does, NaN without curves."""
    curve: tuple[Estimate, ...]
    """True utility after each twentieth of the budget."""


class Reach(Struct, frozen=True):
    """What part of the reference's cost a policy needs for the reference's mean utility at `setting.budget`, with whole
    runs of smaller budgets, interpolated linearly. `at_most`: the smallest budget was enough. Infinite: none was."""

    setting: Setting
    family: str
    policy: str
    part: float
    at_most: bool


def cells(grid: Grid, rows: Rows, against: str) -> list[Cell]:
    """Setting by setting, family by family and then over families, policy by policy. `against`: the reference."""
    found: list[Cell] = []
    for setting in settings(grid):
        of_setting = {
            (family, policy): _of_family(grid, rows, setting, family, policy, against)
            for family in grid.families
            for policy in grid.policies
        }
        found += of_setting.values()
        for name, members, pooled in _groups(grid.families):
            found += [
                _over([of_setting[family, policy] for family in members], name, pooled) for policy in grid.policies
            ]
    return _reached(found, against)


def settings(grid: Grid) -> list[Setting]:
    return [Setting(budget, k, slots, grid.tasks) for slots in grid.slots for k in grid.ks for budget in grid.budgets]


def reaches(cells: Iterable[Cell], against: str) -> list[Reach]:
    """For each budget but the smallest."""
    lines: dict[tuple[float, int, int, str, str], list[Cell]] = {}
    for cell in cells:
        s = cell.setting
        lines.setdefault((s.k, s.slots, s.tasks, cell.family, cell.policy), []).append(cell)
    found = []
    for (*place, policy), line in lines.items():
        line = sorted(line, key=lambda cell: cell.setting.budget)
        costs = [worth(cell.setting.budget, cell.setting.k) for cell in line]
        reference = sorted(lines[(*place, against)], key=lambda cell: cell.setting.budget)  # type: ignore[index]
        means = [cell.utility.mean for cell in line]
        for cell, target, cost in list(zip(line, reference, costs, strict=True))[1:]:
            at_most = means[0] >= target.utility.mean
            needed = _crossing(costs, means, target.utility.mean)
            found.append(Reach(cell.setting, cell.family, policy, needed / cost, at_most))
    return found


def _of_family(grid: Grid, rows: Rows, setting: Setting, family: str, policy: str, against: str) -> Cell:
    s, most = setting, max(grid.budgets)

    def runs(policy: str, budget: int) -> list[Ran]:
        return [rows[Trial(policy, family, seed, budget, s.k, s.slots, s.tasks)] for seed in grid.seeds]

    def gaps_to(reference: list[Ran]) -> list[float]:
        return [one.utility - other.utility for one, other in zip(ran, reference, strict=True)]

    ran = runs(policy, s.budget)
    gaps = gaps_to(runs(against, s.budget))

    def mean(value: Callable[[Ran], float]) -> float:
        return fsum(map(value, ran)) / len(ran)

    return Cell(
        setting=setting,
        family=family,
        policy=policy,
        trials=len(ran),
        families=1,
        root=mean(lambda one: one.root),
        utility=of_values([one.utility for one in ran]),
        difference=of_values(gaps),
        behind=of_values(gaps_to(runs(against, most))),
        part=worth(s.budget, s.k) / worth(most, s.k),
        better=fsum(0.5 if gap == 0 else gap > 0 for gap in gaps) / len(gaps),
        evaluations=mean(lambda one: one.evaluations),
        expansions=mean(lambda one: one.expansions),
        cost=mean(lambda one: one.evaluations + s.k * one.expansions),
        makespan=mean(lambda one: one.makespan),
        depth=mean(lambda one: one.depth),
        coverage=mean(lambda one: one.low <= one.utility <= one.high),
        coverage_visible=mean(lambda one: one.low <= one.visible <= one.high),
        overclaim=of_values([one.mean - one.utility for one in ran]),
        claims=mean(lambda one: one.gain_low > 0),
        false_claims=mean(lambda one: one.gain_low > 0 and one.utility - one.root <= NOISE),
        worse=mean(lambda one: one.utility < one.root),
        reached=nan,
        curve=tuple(of_values(point) for point in zip(*(one.curve for one in ran), strict=True)),
    )


def _groups(families: Sequence[str]) -> list[tuple[str, list[str], Callable[[Sequence[Estimate]], Estimate]]]:
    """The rows over families: their name, their members, and how estimates of these are pooled."""
    random = [family for family in families if family.startswith("random-")]
    named = [family for family in families if family not in random]
    groups = [(NAMED, named, over_strata), (RANDOM, random, _over_clusters)]
    return [group for group in groups if len(group[1]) > 1]


def _over_clusters(estimates: Sequence[Estimate]) -> Estimate:
    return of_values([one.mean for one in estimates])


def _over(members: Sequence[Cell], name: str, pooled: Callable[[Sequence[Estimate]], Estimate]) -> Cell:
    first = members[0]

    def mean(value: Callable[[Cell], float]) -> float:
        return fsum(map(value, members)) / len(members)

    return Cell(
        setting=first.setting,
        family=name,
        policy=first.policy,
        trials=sum(cell.trials for cell in members),
        families=len(members),
        root=mean(lambda cell: cell.root),
        utility=pooled([cell.utility for cell in members]),
        difference=pooled([cell.difference for cell in members]),
        behind=pooled([cell.behind for cell in members]),
        part=first.part,
        better=mean(lambda cell: cell.better),
        evaluations=mean(lambda cell: cell.evaluations),
        expansions=mean(lambda cell: cell.expansions),
        cost=mean(lambda cell: cell.cost),
        makespan=mean(lambda cell: cell.makespan),
        depth=mean(lambda cell: cell.depth),
        coverage=mean(lambda cell: cell.coverage),
        coverage_visible=mean(lambda cell: cell.coverage_visible),
        overclaim=pooled([cell.overclaim for cell in members]),
        claims=mean(lambda cell: cell.claims),
        false_claims=mean(lambda cell: cell.false_claims),
        worse=mean(lambda cell: cell.worse),
        reached=nan,
        curve=tuple(pooled(point) for point in zip(*(cell.curve for cell in members), strict=True)),
    )


def _reached(cells: list[Cell], against: str) -> list[Cell]:
    """The same with `reached`, which takes the reference's cell beside."""
    targets = {(cell.setting, cell.family): cell.curve for cell in cells if cell.policy == against}
    found = []
    for cell in cells:
        target = targets[cell.setting, cell.family]
        if cell.curve and target:
            parts = [(point + 1) / len(cell.curve) for point in range(len(cell.curve))]
            cell = replace(cell, reached=_crossing(parts, [one.mean for one in cell.curve], target[-1].mean))
        found.append(cell)
    return found


def _crossing(at: Sequence[float], values: Sequence[float], target: float) -> float:
    """Where the broken line through (at, value) first reaches `target`; infinite if it never does."""
    if values[0] >= target:
        return at[0]
    for n in range(1, len(values)):
        if values[n] >= target:
            part = (target - values[n - 1]) / (values[n] - values[n - 1])
            return at[n - 1] + part * (at[n] - at[n - 1])
    return nan if any(map(isnan, values)) else inf
