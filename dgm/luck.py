"""What luck alone gives: a task solved in one of k tries, and the best of many equal agents.

Invariant: pure, and without numerical libraries, so that reading an archive stays cheap.
"""

from collections.abc import Iterable, Sequence
from math import comb


def pass_at(n: int, solved: int, k: int) -> float:
    """The chance that at least one of k tries solves a task of which `solved` of n tries did, without bias.

    1 - C(n - solved, k) / C(n, k): Chen et al. 2021 (arXiv 2107.03374, equation 1). Raises `ValueError` unless
    0 <= solved <= n and 1 <= k <= n.
    """
    if not 0 <= solved <= n or not 1 <= k <= n:
        raise ValueError(f"pass@{k} of {solved} solved in {n} tries: needs 0 <= solved <= n and 1 <= k <= n")
    return 1.0 - comb(n - solved, k) / comb(n, k)


def distribution(rates: Iterable[float]) -> list[float]:
    """The chance of each number of solved tasks, from 0 on, for an agent that solves each with a rate of its own."""
    chances = [1.0]
    for rate in rates:
        missed = [*(chance * (1 - rate) for chance in chances), 0.0]
        chances = [a + b for a, b in zip(missed, [0.0, *(chance * rate for chance in chances)], strict=True)]
    return chances


def expected_best(rates: Sequence[float], n: int) -> float:
    """How many tasks the luckiest of n equal agents is expected to solve, if each solves each task with that rate.

    The mean of a maximum: the sum over x >= 0 of 1 - P(one agent solves at most x) ^ n. `n` is at least 1.
    """
    below = expected = 0.0
    for chance in distribution(rates)[:-1]:
        below = min(below + chance, 1.0)
        expected += 1.0 - below**n
    return expected
