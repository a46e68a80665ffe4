"""Which of two agents is better, from their outcomes on the same tasks: tests, intervals, and the one word they allow.

Invariant: a gain is called one only where an interval leaves out 0. Exact for whole counts, and without numerical
libraries in all that an archive is read with. `docs/statistics.md` says what is used where, and why.
"""

from collections.abc import Sequence
from functools import lru_cache
from math import cos, exp, fsum, gcd, hypot, inf, lgamma, log, log1p, pi, sqrt
from statistics import NormalDist
from typing import Literal

from msgspec import Struct

from dgm import belief

LEVEL = 0.95
NODES = 24
"""Points of the quadrature: with 20, limits are right to 9 digits."""
Verdict = Literal["improved", "worse", "undecided"]


class Difference(Struct, frozen=True):
    """A difference of success rates, in -1..1, with its confidence interval. Without pairs it may be anything."""

    mean: float
    low: float
    high: float


def verdict(difference: Difference) -> Verdict:
    """The one word that the interval allows."""
    if difference.low > 0:
        return "improved"
    return "worse" if difference.high < 0 else "undecided"


def wilson(solved: float, total: float, level: float = LEVEL) -> tuple[float, float]:
    """Wilson's score interval of a success rate (J. Am. Stat. Assoc. 22, 1927); (0, 1) where there is nothing.

    Where tasks were repeated, `solved` is the sum of the tasks' own rates and `total` the number of tasks: repeats of
    one task are no new tasks. The interval is then a little too wide.
    """
    if not 0 <= solved <= total:
        raise ValueError(f"{solved:g} of {total:g} cannot be solved")
    if not total:
        return 0.0, 1.0
    z = NormalDist().inv_cdf((1 + level) / 2)
    rate, weight = solved / total, z * z / total
    centre = (rate + weight / 2) / (1 + weight)
    half = hypot(sqrt(rate * (1 - rate) / total) * z, weight / 2) / (1 + weight)
    return (max(centre - half, 0.0) if solved else 0.0), (min(centre + half, 1.0) if solved < total else 1.0)


def mcnemar(gained: int, lost: int) -> float:
    """The exact, two-sided p-value of McNemar's test: that of a fair coin for the tasks on which two agents differ."""
    _check(gained, lost, 0)
    return min(1.0, 2 * belief.above(max(gained, lost) - 1, gained + lost, 0.5))


def paired_difference(gained: int, lost: int, same: int, level: float = LEVEL) -> Difference:
    """The difference of two success rates on the same tasks, `gained` by one agent alone and `lost` to the other alone.

    The interval of Fay and Lumbard (Stat. Med. 40, 2021): it leaves out 0 if and only if McNemar's exact test rejects
    at 1 - `level`, and no true difference is known that it misses more often than that. Tango's score interval (1998)
    and Newcombe's method 10 are narrower, but with few tasks they leave out 0 too easily: 4 gained, 0 lost would do.
    """
    _check(gained, lost, same)
    total = gained + lost + same
    if not total:
        return Difference(0.0, -1.0, 1.0)
    tail = (1 - level) / 2
    low, high = _low(gained, lost, total, tail), -_low(lost, gained, total, tail)
    return Difference((gained - lost) / total, low, high)


def clustered(differences: Sequence[float], level: float = LEVEL) -> tuple[Difference, float]:
    """The mean of `differences`, one a task, each between the rates that two agents have on it, and its p-value.

    For repeated attempts: repeats of a task are no new tasks, so each task counts once. Where every difference is
    -1, 0 or 1 this is `paired_difference` and `mcnemar`. Else the interval is Student's over tasks, with half a task
    won and half a one lost and one with no difference added to them (Agresti and Min, Stat. Med. 24, 2005), widened to
    hold 0 unless the exact sign-flip test (Fisher 1935), which is McNemar's where both apply, rejects too. The p-value
    is the larger of the two, so that again the interval leaves out 0 if and only if p <= 1 - `level`.
    """
    if all(one in (-1, 0, 1) for one in differences):
        gained, lost = differences.count(1), differences.count(-1)
        return paired_difference(gained, lost, len(differences) - gained - lost, level), mcnemar(gained, lost)
    from scipy.special import stdtr, stdtrit

    n = len(differences)
    mean, centre = fsum(differences) / n, fsum(differences) / (n + 2)
    error = sqrt(max((fsum(one * one for one in differences) + 1) / (n + 2) - centre * centre, 0.0) / (n + 2))
    p = max(2 * float(stdtr(n + 1, -abs(centre) / error)), flipped(differences))
    half = float(stdtrit(n + 1, (1 + level) / 2)) * error
    low, high = max(min(centre - half, mean), -1.0), min(max(centre + half, mean), 1.0)
    if p > 1 - level:
        low, high = min(low, 0.0), max(high, 0.0)
    return Difference(mean, low, high), p


def flipped(differences: Sequence[float]) -> float:
    """The exact, two-sided p-value of the sum, where each difference might as well have the other sign.

    The differences are counted in units of 1/840, which is exact for up to 8 repeats.
    """
    units = [abs(round(one * 840)) for one in differences]
    unit = gcd(*units) or 1
    chances = {0: 1.0}
    for size in (one // unit for one in units if one):
        halves = [(total + sign * size, chance / 2) for total, chance in chances.items() for sign in (-1, 1)]
        chances = {}
        for total, chance in halves:
            chances[total] = chances.get(total, 0.0) + chance
    seen = abs(sum(round(one * 840) for one in differences)) // unit
    return min(1.0, fsum(chance for total, chance in chances.items() if abs(total) >= seen))


def holm(ps: Sequence[float]) -> list[float]:
    """p-values adjusted for being several, in their order (Holm, Scand. J. Stat. 6, 1979)."""
    adjusted, least = [0.0] * len(ps), 0.0
    for rank, index in enumerate(sorted(range(len(ps)), key=lambda index: ps[index])):
        least = max(least, min(1.0, (len(ps) - rank) * ps[index]))
        adjusted[index] = least
    return adjusted


def tasks_needed(difference: float, discordant: float, power: float = 0.8, level: float = LEVEL) -> int:
    """Tasks with which McNemar's exact test sees a true `difference` with the chance `power`.

    discordant: the share of tasks that one of the two agents alone solves; it is at least the difference. The power is
    summed over all numbers of such tasks (Connor, Biometrics 43, 1987, for the approximation that it starts from).
    Raises `ValueError` for no difference, and for what is no share.
    """
    if not 0 < abs(difference) <= 1 or not 0 <= discordant <= 1 or not 0 < power < 1:
        raise ValueError(f"no number of tasks shows a difference of {difference:g} with {discordant:g} discordant")
    discordant = max(discordant, abs(difference))
    z, normal = NormalDist().inv_cdf((1 + level) / 2), NormalDist().inv_cdf(power)
    guess = (z * sqrt(discordant) + normal * sqrt(max(discordant - difference**2, 0.0))) ** 2 / difference**2
    low, high = 0, max(int(guess), 1)
    while _power(high, difference, discordant, level) < power:
        low, high = high, high + high // 4 + 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if _power(middle, difference, discordant, level) < power else (low, middle)
    return high


def visible(tasks: int, comparisons: int = 1, power: float = 0.8, level: float = LEVEL) -> float | None:
    """The least true gain that so many tasks show with the chance `power`, at best: where no task is lost, and after
    Bonferroni's correction for `comparisons`. None where not even a gain on every task would be seen."""
    gained = next((k for k in range(tasks + 1) if mcnemar(k, 0) <= (1 - level) / comparisons), None)
    return None if gained is None else belief.quantile(gained - 1, tasks - gained, power)


def _power(tasks: int, difference: float, discordant: float, level: float) -> float:
    """The chance that McNemar's exact test finds a true `difference` in its direction on so many tasks."""
    import numpy as np
    from scipy.stats import binom

    differing = np.arange(tasks + 1)
    least = np.asarray(binom.ppf((1 - level) / 2, differing, 0.5))  # the first k with P(lost <= k) >= tail: one too ...
    most_lost = least - (binom.cdf(least, differing, 0.5) * 2 > (1 - level) * (1 + 1e-12))  # ... many, unless it is it
    lost = (1 - abs(difference) / discordant) / 2
    return float(np.sum(binom.pmf(differing, tasks, discordant) * binom.cdf(most_lost, differing, lost)))


# ---------------------------------------------------------------- the interval of a paired difference


@lru_cache(1 << 14)
def _low(gained: int, lost: int, total: int, tail: float) -> float:
    """The lower limit: the `tail`-quantile of W = T (2 B - 1).

    B ~ Beta(gained, lost + 1) is the lower confidence distribution of the share of gained tasks among those that
    differ; T, that of the share of tasks that differ: the lower one, Beta(m, n - m + 1), where 2 B > 1, else the upper
    one, Beta(m + 1, n - m). (m tasks of n differ.) P(W <= 0) is the p-value of the one-sided test.
    """
    differing = gained + lost
    if not gained:
        return -belief.quantile(differing, total - differing - 1, 1 - tail) if differing < total else -1.0
    low, high = (0.0, 1.0) if belief.above(gained - 1, differing, 0.5) <= tail else (-1.0, 0.0)
    while high - low > 1e-9:
        middle = (low + high) / 2
        low, high = (middle, high) if _below(middle, gained, differing, total) < tail else (low, middle)
    return (low + high) / 2


def _below(w: float, gained: int, differing: int, total: int) -> float:
    """P(W <= w), by the quadrature of Gauss and Legendre over T where it is likely to be."""
    successes = differing - 1 if w > 0 else differing
    failures = total - 1 - successes
    if failures < 0:  # all tasks differ, so T is 1
        return belief.above(gained - 1, differing, (1 + w) / 2)
    first = max(abs(w), belief.quantile(successes, failures, 1e-10))
    last = max(first, belief.quantile(successes, failures, 1 - 1e-10))
    scale = lgamma(total + 1) - lgamma(successes + 1) - lgamma(failures + 1)
    mass = belief.above(successes, total, w) if w > 0 else 0.0  # T <= w
    for x, weight in _nodes():
        t = first + (last - first) * x
        density = exp(scale + successes * log(t) + failures * log1p(-t))
        mass += (last - first) * weight * density * belief.above(gained - 1, differing, (1 + w / t) / 2)
    return mass


@lru_cache(1)
def _nodes() -> tuple[tuple[float, float], ...]:
    """The points and weights of the Gauss-Legendre rule on 0..1: Newton's method on the polynomial of Legendre."""
    found = []
    for i in range(NODES):
        x, step = cos(pi * (i + 0.75) / (NODES + 0.5)), inf
        slope = 1.0
        while abs(step) > 1e-14:
            before, value = 1.0, x
            for k in range(2, NODES + 1):
                before, value = value, ((2 * k - 1) * x * value - (k - 1) * before) / k
            slope = NODES * (x * value - before) / (x * x - 1)
            step = value / slope
            x -= step
        found.append(((1 + x) / 2, 1 / ((1 - x * x) * slope * slope)))
    return tuple(found)


def _check(gained: int, lost: int, same: int) -> None:
    if min(gained, lost, same) < 0:
        raise ValueError(f"numbers of tasks cannot be negative: {gained}, {lost}, {same}")
