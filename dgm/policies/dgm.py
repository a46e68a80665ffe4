"""Darwin Gödel Machine (arXiv 2505.22954): many stepping stones, parents by score and by how seldom they were used.

As the paper says in its section on the setup and its appendix on parent selection:

    for each generation
        draw two parents, with replacement, in proportion to sigmoid(10 (score - 0.5)) / (1 + children)
        evaluate the children on 10 tasks, and those that solve 40 % of them on 50 more

`dgm-no-self-improvement`: the seed rewrites the parents. `dgm-no-archive`: the parent is always the latest agent.
What differs from the released code: tasks come in a random order that is fixed, so that it works for any benchmark,
where the released lists were chosen by hand; the third stage (140 tasks for the best two) is left out, as its code is
never reached; evidence is always a failed task, since prompts are no policy; and there is a budget. Invariant: pure.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import exp
from typing import TYPE_CHECKING, Literal

from dgm.clade import Agent
from dgm.jobs import Expand, TaskId
from dgm.policies.choosing import expansion, lot, shuffled
from dgm.policies.reasons import because, heard
from dgm.policies.staged import Staged
from dgm.tree import Tree

if TYPE_CHECKING:
    from numpy.random import Generator

LEEWAY = 0.1
"""For noise: with `keep = "better"`, a child may score that much less than the seed."""


@dataclass(frozen=True)
class DGM(Staged):
    """`stages`: the number of tasks after each stage; `gate`: the share of them to solve for the next one; the seed
    needs none. `generation = 0` is a steady state."""

    generation: int = 2
    sizes: tuple[int, ...] = (10, 60)
    gate: float = 0.4
    keep: Literal["all", "better"] = "all"

    def stages(self, tree: Tree, agent: Agent) -> Iterator[Sequence[TaskId]]:
        tasks = shuffled(tree.tasks)
        return (tasks[:size] for size in self.sizes)

    def passes(self, agent: Agent, stage: Sequence[TaskId]) -> bool:
        scores = [agent.results[task] for task in stage if task in agent.results]
        return sum(scores) >= self.gate * len(scores)

    def keeps(self, tree: Tree, agent: Agent) -> bool:
        return self.keep == "all" or (agent.rate or 0.0) >= (tree.seeds[0].rate or 0.0) - LEEWAY

    def parent(self, tree: Tree, archive: list[Agent], rng: "Generator") -> Agent:
        """Only children in the archive count; without generations, also those that are on their way."""
        children = Counter(agent.parent.id for agent in archive if agent.parent)
        if not self.generation:
            children = Counter({agent.id: len(agent.children) + agent.expanding for agent in archive})
        candidates = [agent for agent in archive if agent.index in tree.expandable]
        weights = [weight(agent.rate or 0.0, children[agent.id]) for agent in candidates]
        winner = candidates[lot(weights, rng)]
        if (reasons := heard(rng)) is not None:
            measure = "sigmoid(10 (rate - 0.5)) / (1 + children in the archive)"
            reasons.compare(measure, candidates, weights, winner.index, "lot")
        return winner


def weight(score: float, children: int) -> float:
    return 1.0 / (1.0 + exp(-10.0 * (score - 0.5))) / (1 + children)


class NoSelfImprovement(DGM):
    """DGM's ablation without self-improvement: the seed rewrites every agent."""

    def rewrite(self, tree: Tree, parent: Agent, rng: "Generator") -> Expand:
        return expansion(parent, rng, author=tree.seeds[0].id)


class NoArchive(DGM):
    """DGM's ablation without open-ended exploration: the parent is always the latest agent."""

    def parent(self, tree: Tree, archive: list[Agent], rng: "Generator") -> Agent:
        because(rng, "a parent: the latest agent of the archive that may be expanded")
        return next(agent for agent in reversed(archive) if agent.index in tree.expandable)
