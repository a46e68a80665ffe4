"""What all results together let us believe about each agent, kept up with a tree that grows.

An agent that solved O of its tasks, of which an average agent would have solved E with variance V, gives evidence of
its ability: O - E ~ N(V ability, V), the one-step logit of Peto and Yusuf (1985). So who met hard tasks is not worse
for it. What agents inherit does the rest (`dgm.policies.heredity`).

Invariant: a function of the tree alone, to the last bit, however it was arrived at: task rates are those of the first M
results, where M is the last of fixed milestones.
"""

from itertools import islice

import numpy as np

from dgm.clade import Agent
from dgm.jobs import TaskId
from dgm.policies.heredity import Floats, Heredity
from dgm.tree import Tree

SEED = 2.0
"""Standard deviation of what a seed may be able to do, in logits."""
POOL = 2.0
"""A task's rate is drawn to the rate of all tasks as if by this many results."""
PACE = 1.1
"""Task rates are brought up to date whenever there are this many times as many results."""


BROKEN = 0.15
"""The chance that a child is born broken, before it is seen."""


def born_broken(failed: int, parent_solved: int, parent_met: int) -> bool:
    """Whether it is likelier that a child which solved nothing was born broken, than that it failed all its tasks by
    chance, with the success rate of its parent."""
    rate = (parent_solved + 1) / (parent_met + 2)
    return (1 - BROKEN) * float((1 - rate) ** failed) < BROKEN


class Posterior:
    """`heredity`: the beliefs; after `follow`, those of the tree as it is."""

    def __init__(self, tau: float, walk: float) -> None:
        self.heredity = Heredity(SEED, tau, walk)
        self.rates: Floats = np.zeros(0)
        """How many of all agents solve each task, by the first `_rated` results; what was not tried by then is taken to
        be like all others."""
        self._overall = 0.5
        self._rated, self._rate_at = 0, 1
        self._won: list[int] = []
        self._tried: list[int] = []
        self._number: dict[TaskId, int] = {}
        self._met: list[list[int]] = []
        self._outcomes: list[list[bool]] = []
        """Tasks and outcomes of each agent's results, in the order in which they came in, and"""
        self._counted: list[int] = []
        """how many of them are among those that were rated."""
        self._arrived = 0
        """Results that were taken over from the tree."""

    def follow(self, tree: Tree) -> None:
        """Take over what is new in `tree`, which has to be the same tree as ever, grown."""
        while len(self.heredity) < len(tree.agents):
            self._join(tree.agent(len(self.heredity)))
        scored = set(tree.arrivals[self._arrived :])
        self._arrived = len(tree.arrivals)
        for index in scored:
            self._read(tree.agent(index))
        self.rates = np.append(self.rates, np.full(len(self._number) - len(self.rates), self._overall))
        while self._arrived >= self._rate_at:
            self._rate(tree)
            scored = {index for index, met in enumerate(self._met) if met}
        for index in scored:
            rates = self.rates[self._met[index]]
            expected, variance = float(rates.sum()), float((rates * (1 - rates)).sum())
            self.heredity.tell(index, variance, sum(self._outcomes[index]) - expected)
        self.heredity.settle()

    def _join(self, agent: Agent) -> None:
        self.heredity.join(None if agent.parent is None else agent.parent.index)
        self._met.append([])
        self._outcomes.append([])
        self._counted.append(0)

    def _read(self, agent: Agent) -> None:
        met, outcomes = self._met[agent.index], self._outcomes[agent.index]
        for task, solved in islice(agent.results.items(), len(met), None):
            met.append(self._number.setdefault(task, len(self._number)))
            outcomes.append(solved)

    def _rate(self, tree: Tree) -> None:
        new = len(self._number) - len(self._won)
        self._won += [0] * new
        self._tried += [0] * new
        for index in tree.arrivals[self._rated : self._rate_at]:
            which = self._counted[index]
            task = self._met[index][which]
            self._won[task] += self._outcomes[index][which]
            self._tried[task] += 1
            self._counted[index] += 1
        self._rated, self._rate_at = self._rate_at, max(self._rate_at + 5, int(self._rate_at * PACE))
        self._overall = (sum(self._won) + 1) / (sum(self._tried) + 2)
        self.rates = (np.array(self._won) + POOL * self._overall) / (np.array(self._tried) + POOL)
