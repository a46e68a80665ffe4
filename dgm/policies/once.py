"""Each seed on each task, once: the policy of a replay. It searches for nothing.

Tasks come in a random order that is fixed, and all seeds meet one before any meets the next, so that a part of the
whole is a fair sample of the tasks, paired over the agents. Invariant: pure, and no random number is drawn.
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
class Once:
    """The budget is what it takes. What the environment has failed is tried again, `patience` times in all."""

    budget: int
    config: PolicyConfig = field(default_factory=PolicyConfig)

    def __call__(self, tree: Tree, rng: "Generator") -> Job | None:
        seeds = [seed for seed in tree.seeds if seed.index in tree.evaluable]
        todo = {seed.index: set(tree.untried(seed)) for seed in seeds}
        for task in shuffled(tree.tasks):
            for seed in seeds:
                if task in todo[seed.index]:
                    because(rng, "every agent meets every task once: the first one that has not met the task")
                    picked(rng, "the first one, in a random order that is fixed, that not all agents have met")
                    return Evaluate(seed.id, task)
        return None

    def ending(self, tree: Tree) -> str:
        """Empty where caps are why it ends."""
        left = sum(len(tree.tasks) - len(seed.results) for seed in tree.seeds)
        if any(map(tree.capped, tree.seeds)):
            return ""
        return f"every agent has met every task{f', but for {left} evaluations that were given up' if left else ''}"
