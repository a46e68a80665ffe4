"""HGM's schedule with other choices within it: what the baselines `greedy`, `random`, `best-of-n`, `thompson-own` and
`uct` share, so that they differ from HGM in whom they choose and in nothing else.

Invariant: no job is asked for that the budget's account (`dgm.policies.budget`) does not hold.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dgm.jobs import Expand, Job
from dgm.policies.budget import left, price, worth
from dgm.policies.hgm import HGM
from dgm.policies.reasons import because
from dgm.tree import Tree

if TYPE_CHECKING:
    from numpy.random import Generator


@dataclass(frozen=True)
class Scheduled(HGM):
    """HGM that stops when its account is empty, not after B evaluations: what it cannot spend on expansions, since
    nobody can be expanded, goes into evaluations. Subclasses replace `expand` and `evaluate`."""

    def __call__(self, tree: Tree, rng: "Generator") -> Job | None:
        job = super().__call__(tree, rng)
        k = price(tree, self.config.expansion_cost)
        rest = left(tree, self.budget, k)
        if isinstance(job, Expand) and rest < k + 1:  # its child is to be evaluated, too
            words = "evaluate after all: {:.1f} evaluations' worth is left, a child and a look at it take {:.1f}"
            because(rng, words, rest, k + 1)
            tau = self.budget / self.left(tree) if self.config.cooling else 1.0
            return self.evaluate(tree, tau, rng)
        return job

    def left(self, tree: Tree) -> float:
        """b, on the scale of B; 0 if it is less than an evaluation."""
        k = price(tree, self.config.expansion_cost)
        rest = left(tree, self.budget, k)
        return rest * self.budget / worth(self.budget, k) if rest >= 1 else 0.0
