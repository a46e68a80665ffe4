"""Best of n: independent rewrites of the seed, raced against each other. The control arm of every search.

HGM's schedule (arXiv 2510.21614, Algorithm 1) and its Thompson draws for evaluations, but only the seed is expanded: a
search that does not beat this has gained nothing from building on what it has found. Invariant: pure.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dgm.jobs import Expand
from dgm.policies.choosing import expansion
from dgm.policies.reasons import because
from dgm.policies.scheduled import Scheduled
from dgm.tree import Tree

if TYPE_CHECKING:
    from numpy.random import Generator


@dataclass(frozen=True)
class BestOfN(Scheduled):
    """`budget` is B, in evaluations."""

    def expand(self, tree: Tree, tau: float, rng: "Generator") -> Expand | None:
        seeds = [seed for seed in tree.seeds if seed.index in tree.expandable]
        because(rng, "a parent: a seed, and nobody else")
        return expansion(seeds[rng.integers(len(seeds))], rng) if seeds else None
