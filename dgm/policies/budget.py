"""One account for all policies: a budget is what the Huxley-Gödel Machine spends on B evaluations.

With expansions that cost as much as k evaluations, that is B + k B^0.6 evaluations' worth: each policy may split it
between evaluations and expansions as it likes. Invariant: a function of the tree alone; jobs under way count as done.
"""

from dgm.tree import Tree

WIDENING = 0.6
"""HGM's alpha (arXiv 2510.21614, section 4): it makes B^0.6 expansions."""
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


def left(tree: Tree, budget: int, k: float) -> float:
    """What is left of it, in evaluations; below 0 when it is overspent."""
    evaluations = tree.evaluations + tree.evaluating
    return worth(budget, k) - evaluations - k * (tree.expansions + tree.expanding)
