"""What a search and its controls have come to, side by side.

Invariant: a function of the logs alone. The best agents that are compared here were chosen by the very tasks that they
are compared on, which flatters all of them: nothing here claims a gain, and "ahead" needs an interval without 0.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

from msgspec import Struct

from dgm import settings
from dgm.archive import Reader
from dgm.clade import Agent
from dgm.config import Control
from dgm.controls import DERIVED, Spent, begun, folder_of, spent_by
from dgm.luck import expected_best, pass_at
from dgm.policies.conclusion import best
from dgm.report import (
    AgentRow,
    State,
    Tally,
    compare,
    condition,
    row,
    setting,
    simulation,
)
from dgm.statistics import Difference, Verdict, clustered, verdict
from dgm.tree import Tree


class Arm(Struct, frozen=True):
    """A search or a control so far. `worth`: what it has spent, in evaluations; `share`: what part of the search's
    spend that is; `tally`: the best agent's, with the 90 % interval that the run itself gives."""

    name: str
    state: State
    reason: str
    usd: float
    worth: float
    share: float
    agents: int
    evaluations: int
    expansions: int
    best: AgentRow | None
    tally: Tally | None


class Repetitions(Struct, frozen=True):
    """The seed resampled. `whole`: repetitions that have met every task. `rate`: of the tasks solved, with a 90 %
    interval over tasks. `passed`: k to pass@k, the share of tasks that at least one of k tries solves. `luckiest`,
    `expected`: what the luckiest whole repetition solved of the `tasks`, and what that of so many equal agents would.
    `alike`: whether no task was ever solved by one repetition and missed by another. `difference`: the search's best
    agent minus the mean of the repetitions, on the tasks that both have met, with a 95 % interval."""

    whole: int
    tasks: int
    rate: float
    low: float
    high: float
    passed: dict[int, float]
    luckiest: int
    expected: float
    alike: bool
    difference: Difference | None


class Against(Struct, frozen=True):
    """The search's best agent against the control's on the tasks that both have met: search minus control, with the
    95 % interval of `paired_difference`. `same`: whether the two have the same source."""

    tasks: int
    gained: int
    lost: int
    difference: Difference
    same: bool


Place = Literal["unfinished", "unknown", "behind", "level", "ahead"]
"""Of the search, beside a control. `unknown`: no task was met by both; `level`: the interval does not leave out 0."""


class Beside(Struct, frozen=True):
    """A control beside the search. `differing`: settings of its log that are not the search's, though they should be.
    `champion`: how its best agent is called; empty where that is the seed again."""

    standing: Arm
    place: Place
    against: Against | None
    repetitions: Repetitions | None
    differing: tuple[str, ...]
    champion: str


class Controls(Struct, frozen=True):
    """`wanted`: the controls that the settings name. `luck`: the success rate that the best of as many agents as the
    search has would be expected to show, were each as able as the seed (`seed_rate`) and met as many tasks, drawn at
    random, as the search's best has."""

    simulation: bool
    wanted: tuple[str, ...]
    search: Arm
    controls: tuple[Beside, ...]
    seed_rate: float | None
    luck: float | None


def standings(search: Path, tree: Tree, now: float, driven: Callable[[Path], bool | None]) -> Controls | None:
    """The search whose log is `tree` and its controls; None where there are none and none are wanted.

    driven: whether a process drives the run in a folder. Raises `Damaged`.
    """
    wanted = tuple(setting(tree.config, "run.controls", ()))
    trees = {name: Reader(folder_of(search, name)).tree for name in begun(search)}
    if not wanted and not trees:
        return None
    budget = spent_by(tree)
    beside = [
        compared(
            name,
            tree,
            one,
            standing(name, one, budget, driven(folder_of(search, name)), now),
        )
        for name, one in trees.items()
    ]
    resampled = next((one.repetitions for one in beside if one.repetitions is not None), None)
    seed_rate = resampled.rate if resampled and resampled.whole else tree.seeds[0].rate if tree.seeds else None
    return Controls(
        simulation(tree),
        wanted,
        standing("search", tree, budget, driven(search), now),
        tuple(beside),
        seed_rate,
        None if seed_rate is None else luck(tree, seed_rate),
    )


def at_a_glance(search: Path, tree: Tree, now: float, driven: Callable[[Path], bool | None]) -> tuple[Arm, ...]:
    """The controls of the search alone, without a comparison. Raises `Damaged`."""
    budget = spent_by(tree)
    folders = {name: folder_of(search, name) for name in begun(search)}
    return tuple(standing(name, Reader(folder).tree, budget, driven(folder), now) for name, folder in folders.items())


def standing(name: str, tree: Tree, budget: Spent, driven: bool | None, now: float) -> Arm:
    top = best(tree)
    state, reason = condition(tree, driven, now)
    spent = budget.of(tree)
    return Arm(
        name,
        state,
        reason,
        spent.usd,
        spent.worth,
        spent.share(budget),
        len(tree.agents),
        tree.evaluations,
        tree.expansions,
        row(top, top) if top else None,
        Tally.of(top.solved, top.failed) if top and top.evaluations else None,
    )


def compared(name: Control, search: Tree, control: Tree, at: Arm) -> Beside:
    ours, theirs = best(search), best(control)
    found = against(ours, theirs) if ours and theirs else None
    repeated = repetitions(control, ours) if name == "resample" else None
    champion = "" if theirs is None or theirs.digest == search.seeds[0].digest else f"{name}:best"
    place: Place = "unfinished" if at.state != "finished" else placed(found)
    return Beside(
        at,
        place,
        found,
        repeated,
        differing(search.config, control.config),
        champion,
    )


def against(ours: Agent, theirs: Agent) -> Against:
    found = compare(ours, theirs)
    return Against(found.tasks, len(found.gained), len(found.lost), found.difference, ours.digest == theirs.digest)


def placed(found: Against | None) -> Place:
    if found is None or not found.tasks:
        return "unknown"
    places: dict[Verdict, Place] = {"improved": "ahead", "worse": "behind", "undecided": "level"}
    return "level" if found.same else places[verdict(found.difference)]


def differing(search: dict[str, Any], control: dict[str, Any]) -> tuple[str, ...]:
    """The settings in which a control differs from its search, though it should not."""
    return tuple(key for key in settings.differences(settings.own(search), settings.own(control)) if key not in DERIVED)


# ---------------------------------------------------------------- what luck does


def repetitions(tree: Tree, ours: Agent | None) -> Repetitions | None:
    """`ours`: the search's best agent. None before the first result."""
    tries: Counter[str] = Counter()
    solved: Counter[str] = Counter()
    for seed in tree.seeds:
        tries.update(seed.results.keys())
        solved.update(task for task, won in seed.results.items() if won)
    if not tries:
        return None
    rates = [solved[task] / tries[task] for task in tries]
    gaps = [won - solved[task] / tries[task] for task, won in ours.results.items() if tries[task]] if ours else []
    low, high = over_tasks(rates, sum(tries.values()))
    whole = [seed for seed in tree.seeds if seed.evaluations == len(tree.tasks)]
    least = min(tries.values())
    return Repetitions(
        whole=len(whole),
        tasks=len(tree.tasks),
        rate=sum(rates) / len(rates),
        low=low,
        high=high,
        passed={
            k: sum(pass_at(n, solved[task], k) for task, n in tries.items()) / len(tries) for k in tries_shown(least)
        },
        luckiest=max((seed.solved for seed in whole), default=0),
        expected=expected_best(rates, len(whole)) if whole else 0.0,
        alike=all(solved[task] == 0 or solved[task] == n for task, n in tries.items()),
        difference=clustered(gaps)[0] if gaps else None,
    )


def tries_shown(most: int) -> list[int]:
    """1, 2, 4, ... and the most."""
    return sorted({*(1 << power for power in range(most.bit_length())), most})


def over_tasks(rates: Sequence[float], tries: int) -> tuple[float, float]:
    """The 90 % interval of a mean of `rates`, one a task, for tasks like these: repetitions of a task are no new tasks.

    With the effective sample size of Korn and Graubard (Survey Methodology 24, 1998), rate (1 - rate) / variance of the
    mean, in the interval for an agent's tally. It is no less than the number of tasks, and no more than that of tries.
    """
    tasks, rate = len(rates), sum(rates) / len(rates)
    variance = sum((one - rate) ** 2 for one in rates) / max(tasks - 1, 1) / tasks
    size = round(min(max(rate * (1 - rate) / variance if variance else 0.0, tasks), tries))
    solved = round(rate * size)
    found = Tally.of(solved, size - solved)
    return found.low, found.high


def luck(tree: Tree, rate: float) -> float | None:
    """The mean of the highest rate among so many equal agents; None where the best has met no task."""
    top = best(tree)
    if top is None or not top.evaluations:
        return None
    return expected_best([rate] * top.evaluations, len(tree.agents)) / top.evaluations
