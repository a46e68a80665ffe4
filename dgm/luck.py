"""What luck alone gives: a task solved in one of k tries, and the best of many equal agents.

Invariant: pure, and without numerical libraries, so that reading an archive stays cheap.
"""

from collections.abc import Iterable, Mapping, Sequence
from math import comb

from dgm import belief


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


def expected_choice(sizes: Mapping[int, int], rate: float, epsilon: float) -> float:
    """The success rate that the best of an archive shows if all its agents are equal, and solve each task with `rate`.

    sizes: how many agents have had so many evaluations. The best is the one with the highest epsilon-quantile of
    Beta(1 + solved, 1 + failed) among those that have solved something, as in `Tree.best`; where none has, it shows 0.
    The chance that all agents are at most as believable as one of a tally is the product of their own. The numbers of
    evaluations are taken as given, though a search gives more of them to those that had luck.
    """
    groups = [(size, crowd, distribution([rate] * size)) for size, crowd in sizes.items() if size and crowd]
    tallies = sorted(
        (belief.quantile(solved, size - solved, epsilon) if solved else -1.0, solved / size, group, chances[solved])
        for group, (size, _, chances) in enumerate(groups)
        for solved in range(size + 1)
    )
    below = [0.0] * len(groups)
    expected = before = 0.0
    for _, shown, group, chance in tallies:
        below[group] = min(below[group] + chance, 1.0)
        now = 1.0
        for (_, crowd, _), part in zip(groups, below, strict=True):
            now *= part**crowd
        expected += (now - before) * shown
        before = now
    return expected
