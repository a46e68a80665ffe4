"""Greedy: HGM's schedule (arXiv 2510.21614, Algorithm 1) without its clades and without its draws.

Parent and evaluated agent are the ones with the highest posterior mean (1 + s) / (2 + s + f) of their own results.
A baseline of ours: nobody released one. Invariant: pure; random numbers only break ties and pick tasks.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dgm.jobs import Evaluate, Expand
from dgm.policies.choosing import evaluation, expansion, favourite, own
from dgm.policies.reasons import because
from dgm.policies.scheduled import Scheduled
from dgm.tree import Tree

if TYPE_CHECKING:
    from numpy.random import Generator


@dataclass(frozen=True)
class Greedy(Scheduled):
    """`budget` is B, in evaluations."""

    def expand(self, tree: Tree, tau: float, rng: "Generator") -> Expand | None:
        because(rng, "a parent: the best by what it has solved and failed itself")
        index = favourite(own(tree, tree.expandable), rng)
        return None if index is None else expansion(tree.agent(index), rng)

    def evaluate(self, tree: Tree, tau: float, rng: "Generator") -> Evaluate | None:
        because(rng, "an agent to evaluate: the best by what it has solved and failed itself")
        index = favourite(tree.evaluable, rng)
        return None if index is None else evaluation(tree, tree.agent(index), rng)
