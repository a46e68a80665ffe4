"""Random: HGM's schedule (arXiv 2510.21614, Algorithm 1), in which every agent is as likely as any other.

The floor of all comparisons: what the schedule and the best belief at the end achieve without any search.
Invariant: pure.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dgm.jobs import Evaluate, Expand
from dgm.policies.choosing import anyone, evaluation, expansion
from dgm.policies.reasons import because
from dgm.policies.scheduled import Scheduled
from dgm.tree import Tree

if TYPE_CHECKING:
    from numpy.random import Generator


@dataclass(frozen=True)
class Random(Scheduled):
    """`budget` is B, in evaluations."""

    def expand(self, tree: Tree, tau: float, rng: "Generator") -> Expand | None:
        because(rng, "a parent: anyone")
        index = anyone(tree.expandable, rng)
        return None if index is None else expansion(tree.agent(index), rng)

    def evaluate(self, tree: Tree, tau: float, rng: "Generator") -> Evaluate | None:
        because(rng, "an agent to evaluate: anyone")
        index = anyone(tree.evaluable, rng)
        return None if index is None else evaluation(tree, tree.agent(index), rng)
