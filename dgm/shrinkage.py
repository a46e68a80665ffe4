"""What is left of a search score, once it is known that the agent was chosen as the best of many: empirical Bayes.

Invariant: an estimate lies between the agent's own rate and the mean of all agents.
"""

from collections import Counter
from collections.abc import Iterable
from math import hypot

from msgspec import Struct

from dgm.statistics import LEVEL, Difference, wilson

Tally = tuple[int, int]
"""Solved and failed attempts."""
FIRMEST = 1e4
"""Attempts' worth that the agents' common rate weighs at most, where they differ by no more than chance has it."""


class Estimate(Struct, frozen=True):
    """A success rate with a 95 % interval."""

    rate: float
    low: float
    high: float


def claimed(tally: Tally) -> Estimate:
    """The tally as it is, with Wilson's interval: what one would believe of an agent that nobody has chosen."""
    solved, failed = tally
    low, high = wilson(solved, solved + failed, LEVEL)
    return Estimate(solved / (solved + failed) if solved + failed else 0.5, low, high)


def surviving(tally: Tally, prior: tuple[float, float]) -> Estimate:
    """The rate of an agent with so many `solved` and `failed` under Beta(`prior`), whatever it was chosen by."""
    from scipy.special import betaincinv

    a, b = prior[0] + tally[0], prior[1] + tally[1]
    tail = (1 - LEVEL) / 2
    return Estimate(a / (a + b), float(betaincinv(a, b, tail)), float(betaincinv(a, b, 1 - tail)))


def fitted(tallies: Iterable[Tally]) -> tuple[float, float]:
    """The Beta distribution that the agents' true rates are most likely to come from (beta-binomial likelihood).

    Beta(1, 1) for fewer than two agents with attempts. It takes the agents to be draws from one population, which the
    agents of a lineage are not quite.
    """
    import numpy as np
    from scipy.optimize import minimize
    from scipy.special import betaln, expit

    counts = Counter(tally for tally in tallies if sum(tally))
    if counts.total() < 2:
        return 1.0, 1.0
    solved, failed, times = (np.array(one, float) for one in zip(*((*t, n) for t, n in counts.items()), strict=True))

    def surprise(parameters: "np.ndarray[tuple[int], np.dtype[np.float64]]") -> float:
        mean, weight = expit(parameters[0]), np.exp(parameters[1])
        a, b = mean * weight, (1 - mean) * weight
        return -float(np.sum(times * (betaln(a + solved, b + failed) - betaln(a, b))))

    bounds = [(-7.0, 7.0), (np.log(0.1), np.log(FIRMEST))]
    found = minimize(surprise, np.array([0.0, 1.0]), bounds=bounds, method="L-BFGS-B").x
    mean, weight = float(expit(found[0])), float(np.exp(found[1]))
    return mean * weight, (1 - mean) * weight


def difference(one: Estimate, other: Estimate) -> Difference:
    """Of two rates that were estimated apart: Newcombe's hybrid of their intervals (Stat. Med. 17, 1998, 873)."""
    mean = one.rate - other.rate
    low = mean - hypot(one.rate - one.low, other.high - other.rate)
    high = mean + hypot(one.high - one.rate, other.rate - other.low)
    return Difference(mean, max(low, -1.0), min(high, 1.0))
