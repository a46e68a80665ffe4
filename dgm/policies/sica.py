"""Self-Improving Coding Agent (arXiv 2504.15228, Algorithm 1): a chain in which each agent meets every task.

The next parent is the newest agent whose mean is not below the best one's 95 % interval. What differs from the released
code: the score alone counts, where its utility adds cost and time; and what never got a score is no parent.
Invariant: pure.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING

from dgm.clade import Agent
from dgm.jobs import TaskId
from dgm.policies.reasons import because, heard
from dgm.policies.staged import Staged
from dgm.tree import Tree

if TYPE_CHECKING:
    from numpy.random import Generator

Z = 1.96


@dataclass(frozen=True)
class SICA(Staged):
    """`budget` is B, in evaluations."""

    def stages(self, tree: Tree, agent: Agent) -> Sequence[Sequence[TaskId]]:
        return (tree.tasks,)

    def parent(self, tree: Tree, archive: list[Agent], rng: "Generator") -> Agent:
        best = max(archive, key=lambda agent: agent.rate or 0.0)
        bound = (best.rate or 0.0) - Z * error(best)
        because(
            rng,
            "a parent: the newest with a rate of {:.3f} or more, what {:.8} with {:.3f} may be",
            bound,
            best.id,
            best.rate or 0.0,
        )
        near = [agent for agent in archive if (agent.rate or 0.0) >= bound and agent.index in tree.expandable]
        if near and (reasons := heard(rng)) is not None:
            reasons.compare("order of birth", near, [agent.index for agent in near], near[-1].index)
        return near[-1] if near else next(agent for agent in reversed(archive) if agent.index in tree.expandable)


def error(agent: Agent) -> float:
    """The standard error of the agent's mean."""
    p, n = agent.rate or 0.0, agent.evaluations
    return sqrt(p * (1 - p) / (n - 1)) if n > 1 else 0.0
