"""What a run has spent of its budget, counted as its policy counts, and the one place that puts it into words.

Invariant: a function of the log alone, without numerical libraries.
"""

from math import ceil

from msgspec import Struct

from dgm.config import PolicyConfig
from dgm.policies import ONCE, RESAMPLE
from dgm.policies.budget import CREDENCE, left, price, worth
from dgm.tree import Tree

BY_EVALUATIONS = ("hgm", "hgm-released", ONCE, RESAMPLE)
"""Policies that stop after B evaluations; by the paper's schedule, those that expand make about B^0.6 expansions
meanwhile."""


class Account(Struct, frozen=True):
    """What a run has spent of its budget: `evaluations` and `expansions` that have ended, `spent` and `whole` in
    evaluations. An expansion counts as `price` of them; where `by_evaluations`, as none."""

    evaluations: int
    expansions: int
    spent: float
    whole: float
    price: float
    by_evaluations: bool

    @property
    def share(self) -> float:
        """What part is spent, from 0 to 1."""
        return min(self.spent / self.whole, 1.0) if self.whole else 0.0

    @property
    def exhausted(self) -> bool:
        """Whether not even an evaluation is left."""
        return self.whole - self.spent < 1

    def words(self) -> str:
        evaluations = f"{self.evaluations:,} evaluation{'s' * (self.evaluations != 1)}"
        expansions = f"{self.expansions:,} expansion{'s' * (self.expansions != 1)}"
        if self.by_evaluations:
            return f"{self.evaluations:,} of {self.whole:,.0f} evaluations, and {expansions}"
        each = f" at {self.price:.2g}{' each' * (self.expansions != 1)}" if self.expansions else ""
        return f"{self.spent:,.0f} of {self.whole:,.0f} evaluations' worth ({evaluations}, {expansions}{each})"


def budget_of(tree: Tree) -> int:
    """B, in evaluations: as the settings say; of a replay, everything once, whoever has joined by now."""
    if tree.config.get("policy", {}).get("name") == ONCE:
        return len(tree.seeds) * len(tree.tasks)
    return int(tree.config.get("run", {}).get("evaluations", 0))


def account(tree: Tree) -> Account:
    """By the settings in the tree's log; `whole` is 0 where these name no budget."""
    budget = budget_of(tree)
    policy = tree.config.get("policy", {})
    k = price(tree, float(policy.get("expansion_cost", PolicyConfig().expansion_cost)))
    if policy.get("name", PolicyConfig().name) in BY_EVALUATIONS:
        return Account(tree.evaluations, tree.expansions, tree.evaluations, budget, k, True)
    spent = tree.evaluations + k * tree.expansions
    return Account(tree.evaluations, tree.expansions, spent, worth(budget, k), k, False)


def most_jobs(budget: int, expected: float, by_evaluations: bool, widening: float) -> int:
    """How many jobs a whole run pays for at most, when each costs all that a job may and none fails for the
    environment's sake.

    By the account, E evaluations at e and X expansions at x dollars meet E + k X <= B + k B^0.6, where k is between
    the expected price and x / e and no further from it than `CREDENCE` expansions take it. With no job above a dollar,
    E e + X x <= B + max(expected, 1) B^0.6 + `CREDENCE`.
    """
    if by_evaluations:
        return budget + int(budget**widening)
    return ceil(worth(budget, max(expected, 1.0)) + CREDENCE)


def affords_child(tree: Tree) -> bool:
    """Whether the account holds one more expansion, and an evaluation of what it gives."""
    spent = account(tree)
    return left(tree, budget_of(tree), spent.price) >= spent.price + 1
