"""What is left of a search score, once it is known that the agent was chosen as the best of many: hierarchical Bayes.

Invariant: an estimate is an average over all populations of agents that the tallies allow, and never claims to know
which of them it is: few attempts in all leave it wide.
"""

from collections import Counter
from collections.abc import Iterable
from math import hypot

from msgspec import Struct

from dgm.statistics import LEVEL, Difference, wilson

Tally = tuple[int, int]
"""Solved and failed attempts."""
Prior = tuple[tuple[float, float, float], ...]
"""Beta distributions that the agents' rates may come from: its two parameters, and the chance that it is this one."""
FIRMEST = 1e4
"""Attempts' worth that the agents' common rate weighs at most, where they differ by no more than chance has it."""
MEANS, WEIGHTS = 99, 30
"""Populations that are looked at: so many means, and for each so many weights."""
LEAST = 1e-6
"""Populations that are less likely than this, beside the most likely one, are left out."""


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


def surviving(tally: Tally, prior: Prior) -> Estimate:
    """The rate of an agent with so many `solved` and `failed`, one of the `prior`'s, whatever it was chosen by.

    The mean is exact; the interval is that of the Beta distribution with the same mean and variance.
    """
    import numpy as np
    from scipy.special import betaincinv

    a, b, chance = np.array(prior, float).T
    a, b = a + tally[0], b + tally[1]
    means = a / (a + b)
    mean = float(chance @ means)
    variance = float(chance @ (means * (1 - means) / (a + b + 1) + (means - mean) ** 2))
    weight = mean * (1 - mean) / variance - 1
    low, high = (float(betaincinv(mean * weight, (1 - mean) * weight, x)) for x in ((1 - LEVEL) / 2, (1 + LEVEL) / 2))
    return Estimate(mean, low, high)


def fitted(tallies: Iterable[Tally]) -> Prior:
    """The Beta distributions that the agents' true rates can come from, by the beta-binomial likelihood.

    Before any tally, the mean and the inverse root of the weight are uniform (Gelman et al., Bayesian Data Analysis,
    3rd ed., section 5.3), the weight between 1 and `FIRMEST`. Beta(1, 1) for fewer than two agents with attempts. It
    takes the agents to be draws from one population, which the agents of a lineage are not quite.
    """
    import numpy as np
    from scipy.special import betaln

    counts = Counter(tally for tally in tallies if sum(tally))
    if counts.total() < 2:
        return ((1.0, 1.0, 1.0),)
    means = (np.arange(MEANS) + 0.5) / MEANS
    roots = np.linspace(1 / np.sqrt(FIRMEST), 1.0, WEIGHTS)
    a = np.outer(means, roots**-2).ravel()
    b = np.outer(1 - means, roots**-2).ravel()
    likely = sum(n * (betaln(a + s, b + f) - betaln(a, b)) for (s, f), n in counts.items())
    chance = np.exp(likely - np.max(likely))
    kept = chance > LEAST
    chance = chance[kept] / chance[kept].sum()
    return tuple(zip(a[kept].tolist(), b[kept].tolist(), chance.tolist(), strict=True))


def difference(one: Estimate, other: Estimate) -> Difference:
    """Of two rates that were estimated apart: Newcombe's hybrid of their intervals (Stat. Med. 17, 1998, 873)."""
    mean = one.rate - other.rate
    low = mean - hypot(one.rate - one.low, other.high - other.rate)
    high = mean + hypot(one.high - one.rate, other.rate - other.low)
    return Difference(mean, max(low, -1.0), min(high, 1.0))
