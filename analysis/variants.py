"""RACE without one of its ingredients each.

usage: python analysis/search.py ablation --ours race --variants variants.no_drift,variants.no_noise,...

Invariant: whatever is not named is as in RACE.
"""

from dataclasses import dataclass, field

from msgspec.structs import replace
from numpy.random import Generator

from dgm.config import PolicyConfig
from dgm.jobs import Job
from dgm.policies.budget import left, price, worth
from dgm.policies.heredity import Heredity
from dgm.policies.posterior import SEED, Posterior
from dgm.policies.race import Race
from dgm.tree import Tree


def no_drift(budget: int, config: PolicyConfig) -> Race:
    """All lineages improve alike."""
    return Race(budget, config, horizon=0.0, walk=0.001)


def no_horizon(budget: int, config: PolicyConfig) -> Race:
    """Drift is known, but does not count."""
    return Race(budget, config, horizon=0.0)


def no_inheritance(budget: int, config: PolicyConfig) -> Race:
    """What one agent shows says nothing of another."""
    return Otherwise(budget, config, beliefs=Strangers)


def no_rates(budget: int, config: PolicyConfig) -> Race:
    """All tasks are taken to be alike."""
    return Otherwise(budget, config, beliefs=Alike)


def no_noise(budget: int, config: PolicyConfig) -> Race:
    return Race(budget, config, noise=0.0)


def no_cooling(budget: int, config: PolicyConfig) -> Race:
    """The noise stays as large as in the beginning."""
    return Warm(budget, config)


def no_scaling(budget: int, config: PolicyConfig) -> Race:
    """What a child costs does not change how much doubt is looked at: it is as for k = 5."""
    return Unscaled(budget, config)


def no_newborn(budget: int, config: PolicyConfig) -> Race:
    return Race(budget, config, newborn=0)


def no_reserve(budget: int, config: PolicyConfig) -> Race:
    return Race(budget, config, reserve=0.0)


def no_sober(budget: int, config: PolicyConfig) -> Race:
    """The choice at the end hopes as the search does."""
    return Race(budget, config, sober=Race.tau)


def no_limit(budget: int, config: PolicyConfig) -> Race:
    """As many jobs at once as there are slots."""
    return Race(budget, replace(config, under_way=1e9))


# -------------------------------------------------------------------- what it takes


class Unrelated(Heredity):
    """Everybody is a seed."""

    def join(self, parent: int | None) -> None:
        super().join(None)


class Strangers(Posterior):
    def __init__(self, tau: float, walk: float) -> None:
        super().__init__(tau, walk)
        self.heredity = Unrelated(SEED, tau, walk)


class Alike(Posterior):
    def _rate(self, tree: Tree) -> None:
        super()._rate(tree)
        self.rates[:] = self._overall


@dataclass
class Otherwise(Race):
    """With other beliefs."""

    beliefs: type[Posterior] = field(default=Posterior)

    def posterior(self, tree: Tree, tau: float) -> Posterior:
        if tau not in self._known or self._known[tau][0] is not tree:
            self._known[tau] = tree, self.beliefs(tau, self.walk)
        return super().posterior(tree, tau)


class Warm(Race):
    def __call__(self, tree: Tree, rng: Generator) -> Job | None:
        k = price(tree, self.config.expansion_cost)
        share = left(tree, self.budget, k) / worth(self.budget, k)
        self.noise = Race.noise / max(share, 1e-9) ** 0.5
        return super().__call__(tree, rng)


class Unscaled(Race):
    def __call__(self, tree: Tree, rng: Generator) -> Job | None:
        self.kappa = Race.kappa * (5.0 / price(tree, self.config.expansion_cost)) ** 0.125
        return super().__call__(tree, rng)
