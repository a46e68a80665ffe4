"""What a tally of solved and failed attempts lets us believe about an agent: Beta(1 + solved, 1 + failed).

Invariant: exact for whole counts, without numerical libraries, so that reading an archive stays cheap.
"""

from collections.abc import Iterable
from functools import lru_cache
from math import exp, lgamma, log, log1p


@lru_cache(1 << 14)  # tallies recur
def quantile(solved: int, failed: int, epsilon: float) -> float:
    """The epsilon-quantile of Beta(1 + solved, 1 + failed), to 12 digits. Raises `ValueError` unless 0 < epsilon < 1.

    The "best belief" of HGM (arXiv 2510.21614, section 3); the paper prints the distribution function, the quantile is
    meant. P(rate <= x) is the chance of more than `solved` successes in `solved + failed + 1` draws of probability x.
    """
    if not 0 < epsilon < 1:
        raise ValueError(f"epsilon is {epsilon}, but has to lie between 0 and 1")
    low, high = 0.0, 1.0
    while high - low > 1e-12:
        middle = (low + high) / 2
        if above(solved, solved + failed + 1, middle) < epsilon:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def above(successes: int, draws: int, p: float) -> float:
    """P(Binomial(draws, p) > successes), summed from its largest term away, so that nothing cancels."""
    first = successes + 1
    if first <= draws * p:  # the upper tail is the larger part: sum the lower one
        return 1.0 - _tail(draws - successes, draws, 1.0 - p)
    return _tail(first, draws, p)


def _tail(first: int, draws: int, p: float) -> float:
    """P(Binomial(draws, p) >= first)."""
    if first <= 0:
        return 1.0
    if first > draws or p <= 0:
        return 0.0
    ways = lgamma(draws + 1) - lgamma(first + 1) - lgamma(draws - first + 1)
    term = exp(ways + first * log(p) + (draws - first) * log1p(-p)) if p < 1 else float(first == draws)
    total = term
    for k in range(first + 1, draws + 1):
        term *= (draws - k + 1) / k * p / (1 - p)
        total += term
        if term < total * 1e-17:
            break
    return min(total, 1.0)


def undominated(tallies: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """The (solved, failed) pairs that no other pair beats in both counts: one of them has the highest quantile."""
    fewest: int | None = None
    kept = []
    for solved, failed in sorted(set(tallies), key=lambda tally: (-tally[0], tally[1])):
        if fewest is None or failed < fewest:
            kept.append((solved, failed))
            fewest = failed
    return kept
