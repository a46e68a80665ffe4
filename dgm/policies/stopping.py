"""Stop a search, of any policy, once it is unlikely to find anything better: `policy.stop = "no-gain"`.

What is asked is how likely it is that an expansion within the budget that is left gives an agent whose success rate is
`stop_gain` (delta) above the best one's, and that this shows. As soon as that is below `stop_chance` (epsilon), no job
is started any more. By the model of `dgm.policies.heredity`, for each of a grid of (tau, walk):

    the best            b, the highest mean ability; delta is D logits at its ability, on the tasks met so far
    a child of it       ability_b + drift_b + N(0, tau^2), where drift_b is uncertain, too
    what shows of it    LOOKS evaluations shrink tau to s = tau^2 / sqrt(tau^2 + 1 / information): who rises by D in
                        the mean of its ability is truly better by D, on the average
    none of n           E over drift_b of Phi((D - drift_b) / s)^n, n = budget left / (k + LOOKS)

The grid is weighed by the evidence in the tree and by a prior that expects rewrites to change little (`SCALE`).

Assumed: children come from the best agent alone, independent given its drift; steps are normal, so that rare large ones
are missed where none was seen; the task rates are taken as known; children that fail as only a broken one would are
left out. It is no guarantee: a deceptive landscape looks like a barren one. Tuned on seeds and families for tuning.

Invariant: pure. What is believed is that of the first M results, M the last of fixed milestones, so a resumed run
decides the same; it costs a division between milestones.
"""

from itertools import islice, product
from typing import TYPE_CHECKING, Any

import numpy as np

from dgm.config import PolicyConfig
from dgm.jobs import Job, TaskId
from dgm.policies.account import account
from dgm.policies.budget import left, price
from dgm.policies.choosing import Policy
from dgm.policies.heredity import Floats, inherited
from dgm.policies.posterior import POOL, SEED, born_broken
from dgm.tree import Tree

if TYPE_CHECKING:
    from numpy.random import Generator

TAUS, WALKS = (0.03, 0.1, 0.2, 0.35, 0.6, 1.0), (0.02, 0.1, 0.25)
"""The grid, in logits."""
SCALE = 0.2
"""The prior of tau is exponential, with this mean."""
LOOKS = 10.0
"""Evaluations that a child gets before it is believed in."""
MANY = 1e6
"""Children that no budget holds."""
FIRST, PACE = 20, 1.15
"""Milestones: the first number of results, and what each next one is a multiple of."""
NODES = np.linspace(-4.0, 4.0, 33)
WEIGHTS = np.exp(-(NODES**2) / 2) / np.exp(-(NODES**2) / 2).sum()
"""A standard normal, for sums."""


class Stopping:
    """`policy`, which is asked for nothing more once it is unlikely to find anything better. All else is its own."""

    def __init__(self, policy: Policy, budget: int, config: PolicyConfig) -> None:
        self.policy, self.budget, self.config = policy, budget, config
        self._known: tuple[Tree, int, float] | None = None
        """The tree, the milestone, and for how many children it is still worth going on; only saves time."""

    def __call__(self, tree: Tree, rng: "Generator") -> Job | None:
        return None if self.stops(tree) else self.policy(tree, rng)

    def __getattr__(self, name: str) -> Any:
        if name == "policy":
            raise AttributeError(name)
        return getattr(self.policy, name)

    def ending(self, tree: Tree) -> str:
        if not self.stops(tree):
            return ""
        return (
            f"the chance of a further gain of {self.config.stop_gain:g} in the success rate is below "
            f"{self.config.stop_chance:.2g} (policy.stop), after {account(tree).words()}"
        )

    def stops(self, tree: Tree) -> bool:
        milestone = last_milestone(len(tree.arrivals))
        if not milestone:
            return False
        if self._known is None or self._known[0] is not tree or self._known[1] != milestone:
            outlook = Outlook(tree, milestone, self.config.stop_gain)
            self._known = tree, milestone, outlook.needed(self.config.stop_chance)
        k = price(tree, self.config.expansion_cost)
        return left(tree, self.budget, k) / (k + LOOKS) < self._known[2]


def last_milestone(results: int) -> int:
    """The last one that so many results have reached; 0 before the first."""
    reached, following = 0, FIRST
    while following <= results:
        reached, following = following, int(following * PACE)
    return reached


class Outlook:
    """What children of the best agent may become, by the first `results` results of a tree."""

    def __init__(self, tree: Tree, results: int, gain: float) -> None:
        counts = np.bincount(np.frombuffer(tree.arrivals, np.uintc)[:results])
        agents = [tree.agent(index) for index in range(len(counts))]
        parents = [None if agent.parent is None else agent.parent.index for agent in agents]
        outcomes = [dict(islice(agent.results.items(), n)) for agent, n in zip(agents, counts.tolist(), strict=True)]
        sound = sound_ones(parents, outcomes)
        rates = rates_of([outcomes[index] for index in sound])
        evidence = [
            evidence_of(outcomes[index], rates) if index in sound else (0.0, 0.0) for index in range(len(agents))
        ]
        tried = np.array([index for index in sorted(sound) if outcomes[index]] or [0])
        logits = np.log([rate / (1 - rate) for rate in rates.values()])
        self.weights, self.none = [], []
        """For each point of the grid, what it weighs, and for each of `NODES` the chance that a child is no gain."""
        for tau, walk in product(TAUS, WALKS):
            beliefs = inherited(parents, evidence, SEED, tau, walk)
            best = tried[np.argmax(beliefs.mean[tried, 0])]
            chances = 1 / (1 + np.exp(-logits - beliefs.mean[best, 0]))
            slope = max(float((chances * (1 - chances)).mean()), 1e-9)
            shown = tau**2 / (tau**2 + 1 / (LOOKS * slope)) ** 0.5
            drift = beliefs.mean[best, 1] + beliefs.cov[best, 1, 1] ** 0.5 * NODES
            self.weights.append(beliefs.log_evidence() - tau / SCALE)
            self.none.append(below((gain / slope - drift) / shown))

    def chance(self, children: float) -> float:
        """That at least one of so many children is a gain, and shows it."""
        weights = np.exp(np.array(self.weights) - max(self.weights))
        none = np.array(self.none) ** children @ WEIGHTS
        return float(1 - weights @ none / weights.sum())

    def needed(self, chance: float) -> float:
        """The number of children for which that is `chance`: it grows with them. 0 where a single one is enough."""
        low, high = 1.0, MANY
        if self.chance(low) >= chance:
            return 0.0
        while high - low > 1e-3 * high:
            middle = (low + high) / 2
            low, high = (middle, high) if self.chance(middle) < chance else (low, middle)
        return high


def sound_ones(parents: list[int | None], outcomes: list[dict[TaskId, bool]]) -> set[int]:
    """The agents that were, by all they show, neither born broken nor of one that was."""
    sound: set[int] = set()
    for index, (parent, results) in enumerate(zip(parents, outcomes, strict=True)):
        if parent is None:
            sound.add(index)
        elif parent in sound:
            solved, met = sum(outcomes[parent].values()), len(outcomes[parent])
            if any(results.values()) or not born_broken(len(results), solved, met):
                sound.add(index)
    return sound


def rates_of(outcomes: list[dict[TaskId, bool]]) -> dict[TaskId, float]:
    """How many of these agents solve each task, drawn to the rate of all tasks."""
    every = [(task, solved) for results in outcomes for task, solved in results.items()]
    overall = (sum(solved for _, solved in every) + 1) / (len(every) + 2)
    won = dict.fromkeys((task for task, _ in every), POOL * overall)
    tried = dict.fromkeys(won, POOL)
    for task, solved in every:
        won[task] += solved
        tried[task] += 1
    return {task: won[task] / tried[task] for task in won}


def evidence_of(results: dict[TaskId, bool], rates: dict[TaskId, float]) -> tuple[float, float]:
    """Of an agent's ability, as in `dgm.policies.posterior`: its variance V, and what it solved beyond expectation."""
    expected = [rates[task] for task in results]
    return sum(rate * (1 - rate) for rate in expected), sum(results.values()) - sum(expected)


def below(x: Floats) -> Floats:
    """The standard normal distribution function."""
    from scipy.special import ndtr

    found: Floats = ndtr(x)
    return found
