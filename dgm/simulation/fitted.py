"""A family fitted to a run: what its tree can tell of tasks and rewrites, and defaults for all that it cannot.

`dgm.simulation.evidence` weighs the results; durations and prices are sums over the run. Invariant: priors are centred
on the defaults of `Family`, so that a thin archive gives nearly these.
"""

from functools import lru_cache
from math import exp
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from dgm.archive import Reader, log_of
from dgm.policies.budget import price
from dgm.simulation.evidence import DEFAULT, Data
from dgm.simulation.families import Family
from dgm.tree import Tree

STILLBORN_WEIGHT = 20.0
"""The default share of stillborn children weighs as much as this many expansions."""
NEEDED = 100
"""Evaluations of children, and"""
NEEDED_CHILDREN = 8
"""children with several evaluations, without which steps are not told apart from luck."""
PRIOR_K = 5.0
UNSEEN = {
    "keenness": "how tasks differ in how sharply they tell agents apart",
    "flaky": "how many tasks fail by chance",
    "taste": "what agents are better at than their ability says",
    "idle": "children that behave like their parent: they look like small steps",
    "wander": "drifts of lineages: they look like steps",
    "ceiling": "where gains shrink, unless agents climb far above the seed",
    "haste": "how much durations vary: only their sums are in the tree",
}
"""Settings that results of this kind do not identify, with what they are."""


class Fitted(Struct, frozen=True, kw_only=True):
    family: Family
    k: float
    """What an expansion costs in evaluations, in dollars or, where models are free, in seconds."""
    seconds: float
    """Of an evaluation, on average; 0 if none was measured."""
    usd: float
    """The same in dollars."""
    evaluations: int
    children: int
    """Those with an evaluation."""
    defaults: tuple[str, ...]
    """What stayed at its default since the archive does not tell: sentences."""


def fitted_family(tree: Tree) -> Family:
    """Raises `ValueError` for a tree without a score."""
    return fit(tree).family


def fit(tree: Tree) -> Fitted:
    """Raises `ValueError` for a tree without a score."""
    if not tree.evaluations:
        raise ValueError("nothing was evaluated in it yet, so there is nothing to fit to")
    children = sum(agent.parent is not None and agent.evaluations > 0 for agent in tree.agents.values())
    several = sum(agent.parent is not None and agent.evaluations > 2 for agent in tree.agents.values())
    data = Data(tree)
    of_children = tree.evaluations - sum(seed.evaluations for seed in tree.seeds)
    steps = several >= NEEDED_CHILDREN and of_children >= NEEDED
    family = data.tasks()
    family = data.rewrites(family) if steps else family
    stillborn = tree.stillborn + STILLBORN_WEIGHT * DEFAULT.stillborn
    family = replace(family, stillborn=round(stillborn / (tree.expansions + STILLBORN_WEIGHT), 3))
    seconds, usd, expanding = _durations(tree, family)
    told = [f"{name}: {what}" for name, what in UNSEEN.items()]
    if not steps:
        told.append(
            f"step, shift, broken: {several} children with 3 or more evaluations and {of_children} evaluations of "
            f"children are too few; {NEEDED_CHILDREN} and {NEEDED} are needed"
        )
    if not data.paired:
        told.append("spread: no task was met by two agents that solve anything")
    if expanding:
        family = replace(family, expanding=round(expanding, 2))
    else:
        told.append("expanding: no durations of both evaluations and expansions")
    return Fitted(
        family=family,
        k=price(tree, PRIOR_K),
        seconds=seconds,
        usd=usd,
        evaluations=tree.evaluations,
        children=children,
        defaults=tuple(told),
    )


def fit_to(folder: Path) -> Fitted:
    """To the run in `folder`. Raises `NoArchive`, `Damaged`, `ValueError`."""
    return _fit_to(folder, log_of(folder).stat().st_size)


@lru_cache(maxsize=8)
def _fit_to(folder: Path, size: int) -> Fitted:
    try:
        return fit(Reader(folder).tree)
    except ValueError as error:
        raise ValueError(f"{folder}: {error}") from None


def _durations(tree: Tree, family: Family) -> tuple[float, float, float]:
    """An evaluation's mean seconds and dollars, and an expansion's median time in the family's unit, 0 if unknown."""
    spent, other = tree.spent, tree.spent_expanding
    seconds = (spent.seconds - other.seconds - tree.spent_in_vain.seconds) / tree.evaluations
    usd = (spent.usd - other.usd - tree.spent_in_vain.usd) / tree.evaluations
    if seconds <= 0 or other.seconds <= 0 or not tree.expansions:
        return max(seconds, 0.0), max(usd, 0.0), 0.0
    mean = pace(family, 1.0 - tree.solved / tree.evaluations)
    return seconds, usd, other.seconds / tree.expansions / seconds * mean / exp(0.08)


def pace(family: Family, failed: float) -> float:
    """An evaluation's mean duration in the family's unit, which is a median, where this part of them fails."""
    harder = exp(family.drag * family.hard + (family.drag * family.spread) ** 2 / 2)
    return exp(family.haste**2 / 2) * harder * (1.0 + (family.despair - 1.0) * failed)
