"""Means with 95 % intervals by Student's t: of values, over strata, over clusters.

Invariant: an interval that the values cannot give is NaN, never 0.
"""

from collections.abc import Sequence
from math import fsum, nan, sqrt

from msgspec import Struct

LEVEL = 0.95


class Estimate(Struct, frozen=True):
    """`mean` +- `half`. `n`: values, or strata, or clusters."""

    mean: float
    half: float
    n: int
    error: float = nan
    """The standard error."""
    freedom: float = nan
    """Its degrees of freedom."""

    @property
    def low(self) -> float:
        return self.mean - self.half

    @property
    def high(self) -> float:
        return self.mean + self.half


def of_values(values: Sequence[float]) -> Estimate:
    """The mean of independent values, which may be paired differences, or the means of clusters."""
    n = len(values)
    mean = fsum(values) / n if n else nan
    if n < 2:
        return Estimate(mean, nan, n)
    error = sqrt(fsum((value - mean) ** 2 for value in values) / (n - 1) / n)
    return Estimate(mean, error * _t(n - 1), n, error, n - 1)


def over_strata(strata: Sequence[Estimate]) -> Estimate:
    """The mean of the strata's means, each with the same weight; degrees of freedom after Welch and Satterthwaite."""
    n = len(strata)
    mean = fsum(one.mean for one in strata) / n if n else nan
    squares = [one.error**2 for one in strata]
    total = fsum(squares)
    if not n or total != total:
        return Estimate(mean, nan, n)
    if not total:
        return Estimate(mean, 0.0, n, 0.0, nan)
    freedom = total**2 / fsum(square**2 / one.freedom for square, one in zip(squares, strata, strict=True) if square)
    error = sqrt(total) / n
    return Estimate(mean, error * _t(freedom), n, error, freedom)


def _t(freedom: float) -> float:
    from scipy.special import stdtrit

    return float(stdtrit(freedom, (1 + LEVEL) / 2))
