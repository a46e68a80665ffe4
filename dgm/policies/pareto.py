"""GEPA's selection (arXiv 2507.19457, Algorithms 1 and 2): parents come from the Pareto front over tasks.

    for each child
        draw a parent among the agents that no others make superfluous, by on how many tasks it is among the best
        evaluate the child on 3 tasks that the parent has met, and if it is not worse there, on all

What differs from the released code: a child that is as good as its parent on the mini-batch goes on, since one result
a task is all there is and three of them seldom tell two agents apart; no merging. Invariant: pure.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dgm.clade import Agent
from dgm.jobs import TaskId
from dgm.policies.choosing import lot, shuffled
from dgm.policies.reasons import heard
from dgm.policies.staged import Staged
from dgm.tree import Tree

if TYPE_CHECKING:
    from numpy.random import Generator


@dataclass(frozen=True)
class Pareto(Staged):
    """`budget` is B, in evaluations; `batch`: the tasks of a mini-batch."""

    batch: int = 3

    def stages(self, tree: Tree, agent: Agent) -> Iterator[Sequence[TaskId]]:
        if agent.parent is not None:
            yield self.trial(tree, agent)
        yield tree.tasks

    def trial(self, tree: Tree, child: Agent) -> Sequence[TaskId]:
        return shuffled(tree.tasks, child.id)[: self.batch]

    def passes(self, agent: Agent, stage: Sequence[TaskId]) -> bool:
        theirs = agent.parent.results if agent.parent else {}
        return sum(agent.results.get(task, False) for task in stage) >= sum(theirs.get(task, False) for task in stage)

    def keeps(self, tree: Tree, agent: Agent) -> bool:
        return self.passes(agent, self.trial(tree, agent))

    def parent(self, tree: Tree, archive: list[Agent], rng: "Generator") -> Agent:
        open_ = [agent for agent in archive if agent.index in tree.expandable]
        wins = firsts(archive)
        weights = [wins.get(agent.index, 0) for agent in open_]
        weights = weights if any(weights) else [1] * len(open_)
        winner = open_[lot(weights, rng)]
        if (reasons := heard(rng)) is not None:
            measure = "tasks on which it is among the best, 0 for who is superfluous"
            reasons.compare(measure, open_, weights, winner.index, "lot")
        return winner


def firsts(archive: Sequence[Agent]) -> dict[int, int]:
    """For the agents that nobody makes superfluous, by index: on how many tasks they are among the best.

    From the weakest on, an agent is superfluous if on each task on which it is among the best another one is, too.
    """
    top: dict[TaskId, bool] = {}
    for agent in archive:
        for task, solved in agent.results.items():
            top[task] = top.get(task, False) or solved
    fronts = {agent: [task for task, solved in agent.results.items() if solved == top[task]] for agent in archive}
    crowd = dict.fromkeys(top, 0)
    for front in fronts.values():
        for task in front:
            crowd[task] += 1
    for agent in sorted(archive, key=lambda agent: agent.rate or 0.0):
        if all(crowd[task] > 1 for task in fronts[agent]):
            for task in fronts.pop(agent):
                crowd[task] -= 1
    return {agent.index: len(front) for agent, front in fronts.items()}
