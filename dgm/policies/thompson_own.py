"""Thompson sampling on own records: HGM (arXiv 2510.21614, Algorithm 1) without clades.

A parent is drawn by theta_a ~ Beta(tau (1 + s_a), tau (1 + f_a)), its own results, where HGM takes those of its clade:
the difference to `hgm` is what clade metaproductivity (section 3) is worth. Invariant: pure.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dgm.jobs import Expand
from dgm.policies.choosing import expansion, own, thompson
from dgm.policies.reasons import because
from dgm.policies.scheduled import Scheduled
from dgm.tree import Tree

if TYPE_CHECKING:
    from numpy.random import Generator


@dataclass(frozen=True)
class ThompsonOwn(Scheduled):
    """`budget` is B, in evaluations."""

    def expand(self, tree: Tree, tau: float, rng: "Generator") -> Expand | None:
        because(rng, "a parent: the largest draw, by what it has solved and failed itself")
        index = thompson(own(tree, tree.expandable), tau, rng)
        return None if index is None else expansion(tree.agent(index), rng)
