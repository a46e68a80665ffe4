"""What may be claimed of an agent at the end of a search, as a success rate on tasks like the ones searched on.

The model of the search (`dgm.policies.posterior`) is generous on purpose; this one is fitted. Each attempt succeeds
with probability sigma(ability - difficulty); abilities are inherited (`dgm.policies.heredity`) and difficulties normal.
How far children differ from their parents is weighed by the evidence over a grid, children that were born broken are
left out, and the tasks are taken for what they are, a sample: they are drawn again with replacement.

Invariant: a function of the tree alone. Quadratic bound on the logistic likelihood: Jaakkola and Jordan (2000).
"""

from dataclasses import dataclass
from itertools import product

import numpy as np

from dgm.clade import Agent
from dgm.policies.conclusion import INTERVAL, Conclusion
from dgm.policies.heredity import Floats, Heredity, Indices, inherited
from dgm.policies.posterior import SEED, born_broken
from dgm.tree import Tree

TAUS, WALKS = (0.1, 0.25, 0.5, 0.9), (0.03, 0.12, 0.3)
"""The grid: how far children's abilities and drifts may differ from their parents', in logits."""
ALIKE = 0.5
"""What a result is worth beside one that owes nothing to its relatives: who inherits an ability inherits tastes too, so
an agent and its relatives are lucky on the same tasks. From simulations; it sets the width of intervals."""
ROUNDS = 8
DRAWS = 600


def conclude(tree: Tree, agent: Agent) -> Conclusion:
    """What `agent` can do, and what that is beyond its seed."""
    record = Record.of(tree)
    fitted = Fit(record, tree)
    worlds = fitted.weighed()
    rng = np.random.default_rng(0)
    own, seed = np.zeros(0), np.zeros(0)
    for weight, heredity in worlds:
        draws = round(DRAWS * weight)
        abilities = heredity.path(agent.index, rng.standard_normal((agent.depth + 1, 2, draws)))
        own, seed = np.append(own, abilities[0]), np.append(seed, abilities[1])
    hardness = fitted.drawn_tasks(rng, len(own))
    utility = sigma(own[:, None] - hardness).mean(axis=1)
    gain = utility - sigma(seed[:, None] - hardness).mean(axis=1)
    tails = [(1 - INTERVAL) / 2, (1 + INTERVAL) / 2]
    low, high = np.quantile(utility, tails).tolist()
    gain_low, gain_high = np.quantile(gain, tails).tolist() if agent.parent else (0.0, 0.0)
    return Conclusion(agent.id, float(utility.mean()), low, high, float(gain.mean()), gain_low, gain_high)


@dataclass(frozen=True)
class Record:
    """All results that say something of an ability: agent, task and outcome of each."""

    agents: Indices
    tasks: Indices
    solved: Floats
    count: int
    """Of tasks."""

    @classmethod
    def of(cls, tree: Tree) -> "Record":
        number = {task: n for n, task in enumerate(tree.tasks)}
        rows = [
            (agent.index, number[task], solved)
            for agent in tree.agents.values()
            if not broken(agent)
            for task, solved in agent.results.items()
            if task in number
        ]
        agents, tasks, solved = np.array(rows, dtype=np.intp).reshape(-1, 3).T
        return cls(agents, tasks, solved.astype(float), len(tree.tasks))


def broken(agent: Agent) -> bool:
    if agent.solved or agent.parent is None:
        return False
    return born_broken(agent.failed, agent.parent.solved, agent.parent.evaluations)


class Fit:
    """Difficulties and the evidence of abilities, fitted to each other."""

    def __init__(self, record: Record, tree: Tree) -> None:
        self._parents = [None if agent.parent is None else agent.parent.index for agent in tree.agents.values()]
        self._hardness, self._doubt = np.zeros(record.count), np.ones(record.count)
        self._centre, self._spread = 0.0, 2.0
        self._evidence = [(0.0, 0.0)] * len(self._parents)
        heredity = self._inherited(TAUS[1], WALKS[1])
        for _ in range(ROUNDS):
            self._fit(record, heredity)

    def _inherited(self, tau: float, walk: float) -> Heredity:
        return inherited(self._parents, self._evidence, SEED, tau, walk)

    def _fit(self, record: Record, heredity: Heredity) -> None:
        ability, agents, tasks = heredity.mean[:, 0], record.agents, record.tasks
        apart = ability[agents] - self._hardness[tasks]
        bound = np.sqrt(apart**2 + heredity.cov[agents, 0, 0] + self._doubt[tasks]) + 1e-9
        weight = np.tanh(bound / 2) / (2 * bound)
        pull = record.solved - 0.5
        precision = self._spread**-2 + np.bincount(tasks, weight, record.count)
        moved = np.bincount(tasks, weight * ability[agents] - pull, record.count)
        self._hardness = (self._centre * self._spread**-2 + moved) / precision
        self._doubt = 1 / precision
        self._centre = float(self._hardness.mean())
        self._spread = float(np.sqrt(((self._hardness - self._centre) ** 2 + self._doubt).mean()))
        count = len(self._parents)
        precisions = ALIKE * np.bincount(agents, weight, count)
        weighted = ALIKE * np.bincount(agents, pull + weight * self._hardness[tasks], count)
        self._evidence = list(zip(precisions.tolist(), weighted.tolist(), strict=True))
        for index, evidence in enumerate(self._evidence):
            heredity.tell(index, *evidence)
        heredity.settle()

    def weighed(self) -> list[tuple[float, Heredity]]:
        """The grid with its weights, which add up to 1."""
        grid = [self._inherited(tau, walk) for tau, walk in product(TAUS, WALKS)]
        logs = np.array([heredity.log_evidence() for heredity in grid])
        weights = np.exp(logs - logs.max())
        return list(zip((weights / weights.sum()).tolist(), grid, strict=True))

    def drawn_tasks(self, rng: np.random.Generator, draws: int) -> Floats:
        """Difficulties of as many tasks as there are, drawn with replacement and with what is not known of them: shape
        (draws, tasks)."""
        which = rng.integers(len(self._hardness), size=(draws, len(self._hardness)))
        noise: Floats = rng.standard_normal(which.shape)
        return self._hardness[which] + np.sqrt(self._doubt[which]) * noise


def sigma(logits: Floats) -> Floats:
    odds: Floats = 1 / (1 + np.exp(-logits))
    return odds
