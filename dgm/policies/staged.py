"""Archives of agents that are evaluated in stages before anything is built on them: what `dgm`, `sica` and `pareto`
share.

    until the budget is spent
        let some agents of the archive write a generation of children
        evaluate each child stage by stage, as long as it passes; those that are kept join the archive

Invariant: pure, and no job is asked for that the budget's account (`dgm.policies.budget`) does not hold.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dgm.clade import Agent
from dgm.config import PolicyConfig
from dgm.jobs import Evaluate, Expand, Job, TaskId
from dgm.policies.budget import left, price
from dgm.policies.choosing import evaluation, expansion, favourite
from dgm.policies.reasons import because, picked
from dgm.tree import Tree

if TYPE_CHECKING:
    from numpy.random import Generator


@dataclass(frozen=True)
class Staged:
    """`budget` is B, in evaluations; `generation`: children that are written before any of them is evaluated, and all
    evaluated before the next ones are written; 0: whenever there is a slot and nothing to evaluate."""

    budget: int
    config: PolicyConfig = field(default_factory=PolicyConfig)
    generation: int = 1

    # ------------------------------------------------------------ what subclasses say

    def stages(self, tree: Tree, agent: Agent) -> Iterable[Sequence[TaskId]]:
        """The tasks that `agent` meets, in order; each stage includes the ones before it."""
        raise NotImplementedError

    def passes(self, agent: Agent, stage: Sequence[TaskId]) -> bool:
        """Whether `agent`, a child that has finished `stage`, goes on to the next one."""
        return True

    def keeps(self, tree: Tree, agent: Agent) -> bool:
        """Whether `agent`, a child that has finished its stages, joins the archive."""
        return True

    def parent(self, tree: Tree, archive: list[Agent], rng: "Generator") -> Agent:
        """One of `archive` that is in `tree.expandable`; there is one."""
        raise NotImplementedError

    def rewrite(self, tree: Tree, parent: Agent, rng: "Generator") -> Expand:
        return expansion(parent, rng)

    # ------------------------------------------------------------ what they share

    def __call__(self, tree: Tree, rng: "Generator") -> Job | None:
        k = price(tree, self.config.expansion_cost)
        rest = left(tree, self.budget, k)
        if rest < 1:
            return None
        if self.generation and (tree.expansions + tree.expanding) % self.generation:  # it is not complete yet
            because(rng, "the generation of {} children is not complete", self.generation)
            job = self.expand(tree, k, rest, rng)
            if job is not None:
                return job
        due = self.due(tree)
        if due is not None:
            because(rng, "{:.8} is the oldest agent with a stage to finish", due.agent)
            picked(rng, "the first of the stage that the agent has not met")
            return due
        if tree.running and self.generation:
            return None
        because(rng, "nobody has a stage to finish: the next child is due")
        job = self.expand(tree, k, rest, rng)
        if job is not None or tree.running:
            return job
        because(rng, "there can be no more children: what is left goes to whoever seems best")
        index = favourite(tree.evaluable, rng)  # the last crumbs of the budget
        return None if index is None else evaluation(tree, tree.agent(index), rng)

    def due(self, tree: Tree) -> Evaluate | None:
        """The first evaluation that the oldest agent still needs."""
        for index in sorted(index for members in tree.evaluable.members for index in members):
            agent = tree.agent(index)
            task = self.task(tree, agent)
            if task is not None:
                return Evaluate(agent.id, task)
        return None

    def task(self, tree: Tree, agent: Agent) -> TaskId | None:
        """The next task of the stage in which `agent` is; None if it has finished, or has to wait for results.

        A seed need not pass, so it need not wait either.
        """
        if agent.index not in tree.evaluable:
            return None
        results, evaluating, misses = agent.results, agent.evaluating, agent.misses
        for stage in self.stages(tree, agent):
            for task in stage:
                if task not in results and task not in evaluating and misses.get(task, 0) < tree.patience:
                    return task
            if agent.parent is None:
                continue
            if any(task in evaluating for task in stage) or not self.passes(agent, stage):
                return None
        return None

    def archive(self, tree: Tree) -> list[Agent]:
        """The seeds, and the children that were evaluated and kept, in order of birth."""
        return [agent for agent in tree.agents.values() if agent.parent is None or self.joined(tree, agent)]

    def joined(self, tree: Tree, agent: Agent) -> bool:
        finished = agent.evaluations and not agent.evaluating and self.task(tree, agent) is None
        return bool(finished) and self.keeps(tree, agent)

    def expand(self, tree: Tree, k: float, rest: float, rng: "Generator") -> Expand | None:
        """A rewrite of an agent of the archive, if the budget holds it and an evaluation of the child.

        Without generations, children under way are to find enough left for their first stage.
        """
        archive = self.archive(tree)
        if not any(agent.index in tree.expandable for agent in archive):
            archive = list(tree.agents.values())  # nobody in it can be expanded; somebody else may
        if not any(agent.index in tree.expandable for agent in archive):
            return None
        first = 1 if self.generation else len(next(iter(self.stages(tree, archive[-1]))))
        if rest - first * tree.expanding < k + first:
            return None
        because(rng, "a parent: one of the {} in the archive, of {} agents", len(archive), len(tree.agents))
        return self.rewrite(tree, self.parent(tree, archive, rng), rng)
