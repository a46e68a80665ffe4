"""One account for all policies: a budget is what the Huxley-Gödel Machine spends on B evaluations.

With expansions that cost as much as k evaluations, that is B + k B^0.6 evaluations' worth: each policy may split it
between evaluations and expansions as it likes. Invariant: a function of the tree alone; jobs under way count as done.
"""

from msgspec import Struct

from dgm.config import PolicyConfig
from dgm.tree import Tree

WIDENING = 0.6
"""HGM's alpha (arXiv 2510.21614, section 4): it makes B^0.6 expansions."""
BY_EVALUATIONS = ("hgm", "hgm-released")
"""Policies that stop after B evaluations, as in the paper; their schedule makes about B^0.6 expansions meanwhile."""
CREDENCE = 3.0
"""The price that was expected weighs as much as this many expansions that were seen."""


def price(tree: Tree, expected: float) -> float:
    """k: what an expansion costs in evaluations, as measured in the run so far, in dollars or, where the model is free,
    in seconds; `expected` as long as nothing was measured."""
    evaluating = tree.spent.usd - tree.spent_expanding.usd - tree.spent_in_vain.usd
    expanding = tree.spent_expanding.usd
    if not tree.spent.usd:
        evaluating = tree.spent.seconds - tree.spent_expanding.seconds - tree.spent_in_vain.seconds
        expanding = tree.spent_expanding.seconds
    if not tree.evaluations or evaluating <= 0 or expanding <= 0:
        return expected
    seen = expanding / (evaluating / tree.evaluations)
    return (CREDENCE * expected + seen) / (CREDENCE + tree.expansions)


def worth(budget: int, k: float) -> float:
    """The whole budget of `budget` evaluations and their expansions, in evaluations."""
    return budget + k * float(budget**WIDENING)


def affordable(evaluations_worth: float, k: float) -> int:
    """B, the largest whose account `worth(B, k)` is no more than that many evaluations."""
    low, high = 0, int(evaluations_worth) + 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if worth(middle, k) <= evaluations_worth else (low, middle)
    return low


def left(tree: Tree, budget: int, k: float) -> float:
    """What is left of it, in evaluations; below 0 when it is overspent."""
    evaluations = tree.evaluations + tree.evaluating
    return worth(budget, k) - evaluations - k * (tree.expansions + tree.expanding)


# ---------------------------------------------------------------- in words


class Account(Struct, frozen=True):
    """What a run has spent of its budget. `spent`, `whole`, `rest` and `price` are in evaluations; an expansion counts
    as `price` of them, or as none where the policy (`BY_EVALUATIONS`) counts evaluations alone. `rest` is what is
    left when all that is under way has ended."""

    evaluations: int
    expansions: int
    spent: float
    whole: float
    rest: float
    price: float

    @property
    def share(self) -> float:
        """What part is spent, from 0 to 1."""
        return min(self.spent / self.whole, 1.0) if self.whole else 0.0

    def words(self) -> str:
        if not self.price:
            return f"{self.evaluations:,} of {self.whole:,.0f} evaluations"
        expansions = f"{self.expansions:,} expansion{'s' * (self.expansions != 1)}"
        each = f" at {self.price:.2g}{' each' * (self.expansions != 1)}" if self.expansions else ""
        return (
            f"{self.spent:,.0f} of {self.whole:,.0f} evaluations' worth "
            f"({self.evaluations:,} evaluation{'s' * (self.evaluations != 1)}, {expansions}{each})"
        )


def account(tree: Tree) -> Account:
    """By the settings in the tree's log; whole is 0 where these name no budget."""
    budget = int(tree.config.get("run", {}).get("evaluations", 0))
    policy = tree.config.get("policy", {})
    if policy.get("name", PolicyConfig().name) in BY_EVALUATIONS:
        rest = budget - tree.evaluations - tree.evaluating
        return Account(tree.evaluations, tree.expansions, tree.evaluations, budget, rest, 0.0)
    k = price(tree, float(policy.get("expansion_cost", PolicyConfig().expansion_cost)))
    spent = tree.evaluations + k * tree.expansions
    return Account(tree.evaluations, tree.expansions, spent, worth(budget, k), left(tree, budget, k), k)
