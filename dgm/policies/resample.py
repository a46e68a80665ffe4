"""The seed again and again: what the budget of a search shows when nothing is changed.

Every seed of the archive is the same source under a name of its own, so each is a repetition and the best of them had
the most luck. They come one after the other, and each meets the tasks in the same random order, so that all but the
last are whole, and a part of that one is a fair sample. Invariant: pure, and no random number is drawn.
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dgm.config import PolicyConfig
from dgm.jobs import Evaluate, Job
from dgm.policies.choosing import shuffled
from dgm.policies.reasons import because, picked
from dgm.tree import Tree

if TYPE_CHECKING:
    from numpy.random import Generator


@dataclass(frozen=True)
class Resample:
    """`budget` is B, in evaluations."""

    budget: int
    config: PolicyConfig = field(default_factory=PolicyConfig)

    def __call__(self, tree: Tree, rng: "Generator") -> Job | None:
        if tree.evaluations + tree.evaluating >= self.budget:
            return None
        for seed in tree.seeds:
            if seed.index in tree.evaluable:
                because(rng, "one repetition of the seed after the other: the first that has not met every task")
                picked(rng, "the first one, in a random order that is fixed, that it has not met")
                untried = set(tree.untried(seed))
                return Evaluate(seed.id, next(task for task in shuffled(tree.tasks) if task in untried))
        return None
