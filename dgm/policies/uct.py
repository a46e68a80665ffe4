"""Tree search on the same evidence: UCT (Kocsis and Szepesvári 2006) with progressive widening (Coulom 2007).

A parent is found from the seed down. An agent gets another child as long as it has at most n^w of them, n being the
evaluations in its clade; else the search goes on in the child with the largest s/n + c sqrt(ln n_parent / n) of its
clade. What is evaluated is the agent with the largest such index of its own record. HGM's schedule decides which of
both comes next. Evaluations under way count as failed (Chaslot et al. 2008), so that many slots do not all follow one
lead. A baseline of ours: nobody released one. Invariant: pure; random numbers only break ties and pick tasks.
"""

from collections import Counter
from dataclasses import dataclass
from math import inf, log, sqrt
from typing import TYPE_CHECKING

from dgm.clade import Agent
from dgm.jobs import Evaluate, Expand
from dgm.policies.choosing import evaluation, expansion
from dgm.policies.reasons import because, heard
from dgm.policies.scheduled import Scheduled
from dgm.tree import Tree

if TYPE_CHECKING:
    from numpy.random import Generator

FOUND = "expand {:.8}: it has {} children, at most {} evaluations ^ {:g}, or {} of them to go on in"


@dataclass(frozen=True)
class UCT(Scheduled):
    """`budget` is B, in evaluations; `exploration` is c, `widening` is w."""

    exploration: float = 0.5
    widening: float = 0.3

    def index(self, solved: int, tried: int, total: int) -> float:
        return solved / tried + self.exploration * sqrt(log(max(total, 1)) / tried) if tried else inf

    def expand(self, tree: Tree, tau: float, rng: "Generator") -> Expand | None:
        pool = tree.expandable
        open_: set[int] = set()  # clades in which somebody can be expanded
        for members in pool.members:
            for index in members:
                for agent in tree.agent(index).upwards():
                    if agent.index in open_:
                        break
                    open_.add(agent.index)
        running: Counter[int] = Counter()
        for started in tree.running.values():
            if isinstance(started.job, Evaluate):
                running.update(agent.index for agent in tree.agents[started.job.agent].upwards())

        def tried(agent: Agent) -> int:
            return agent.clade_solved + agent.clade_failed + running[agent.index]

        level = [seed for seed in tree.seeds if seed.index in open_]
        total = tree.evaluations + tree.evaluating
        because(
            rng, "a parent: from the seeds down, by the largest index of its clade, as long as the way is wide enough"
        )
        while level:
            agent = best(level, [self.index(a.clade_solved, tried(a), total) for a in level], rng)
            total = tried(agent)
            level = [child for child in agent.children if child.index in open_]
            narrow = len(agent.children) + agent.expanding <= total**self.widening
            if agent.index in pool and (narrow or not level):
                because(rng, FOUND, agent.id, len(agent.children) + agent.expanding, total, self.widening, len(level))
                return expansion(agent, rng)
        return None

    def evaluate(self, tree: Tree, tau: float, rng: "Generator") -> Evaluate | None:
        agents = [tree.agent(index) for members in tree.evaluable.members for index in members]
        if not agents:
            return None
        because(rng, "an agent to evaluate: the largest index of its own record")
        total = tree.evaluations + tree.evaluating
        indices = [self.index(a.solved, a.evaluations + len(a.evaluating), total) for a in agents]
        return evaluation(tree, best(agents, indices, rng), rng)


def best(agents: list[Agent], indices: list[float], rng: "Generator") -> Agent:
    """One with the largest index."""
    top = max(indices)
    tied = [agent for agent, index in zip(agents, indices, strict=True) if index == top]
    winner = tied[rng.integers(len(tied))]
    if (reasons := heard(rng)) is not None:
        reasons.compare(
            "solved / n + c sqrt(ln n_parent / n), those under way failed, ties by lot", agents, indices, winner.index
        )
    return winner
