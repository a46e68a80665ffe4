"""How probable a run's results are in a family of worlds, and which family makes them most probable.

A Rasch model in which abilities step from parent to child, and the seed's is 0. Invariant: the evidence is summed
exactly over all abilities, on a grid, from the leaves to the seed; difficulties are estimated before, and taken as
known.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from math import exp, log
from typing import TYPE_CHECKING

from msgspec.structs import asdict, replace

from dgm.clade import Agent
from dgm.simulation.families import Family
from dgm.tree import Tree

if TYPE_CHECKING:
    import numpy as np

    Floats = np.ndarray[tuple[int, ...], np.dtype[np.float64]]

DEFAULT = Family(name="fitted", about="fitted to a run")
LOW, HIGH, POINTS = -5.0, 7.0, 97
"""The grid of abilities; an eighth of a logit apart, and 0, the seed's, is one of its points."""
ZERO = 40


@dataclass
class Prior:
    """A normal prior of a parameter on the scale on which it is searched, and the first step of the search."""

    name: str
    spread: float
    stride: float
    to: Callable[[float], float] = float
    back: Callable[[float], float] = float


def _logit(p: float) -> float:
    return log(p / (1.0 - p))


def _share(x: float) -> float:
    return 1.0 / (1.0 + exp(-x))


PRIORS = (
    Prior("hard", 1.5, 0.4),
    Prior("shift", 0.15, 0.1),
    Prior("step", 0.6, 0.4, log, exp),
    Prior("broken", 0.7, 0.4, _logit, _share),
    Prior("ceiling", 0.7, 0.4, log, exp),
)


class Data:
    """A tree's results as arrays, and the evidence for a family in them."""

    def __init__(self, tree: Tree) -> None:
        import numpy as np

        self.agents: list[Agent] = list(tree.agents.values())
        number = {task: n for n, task in enumerate(tree.tasks)}
        self.solved = np.full((len(self.agents), len(number)), np.nan)
        for agent in self.agents:
            for task, solved in agent.results.items():
                if task in number:
                    self.solved[agent.index, number[task]] = solved
        self.able = np.nansum(self.solved, axis=1) > 0
        self.paired = bool((np.sum(~np.isnan(self.solved[self.able]), axis=0) > 1).any())
        self.grid = np.linspace(LOW, HIGH, POINTS)
        self.offsets: Floats = np.zeros(len(number))

    def tasks(self) -> Family:
        """The spread of the difficulties by how far agents agree on tasks, and their mean by how much is solved."""
        import numpy as np

        family = DEFAULT
        rows = self.solved[self.able & (np.sum(~np.isnan(self.solved), axis=1) > 2)]
        met = ~np.isnan(rows)
        counts = met.sum(axis=1, keepdims=True)
        rest = (np.nan_to_num(rows).sum(axis=1, keepdims=True) - np.nan_to_num(rows)) / np.maximum(counts - 1, 1)
        residual = np.where(met, rows - rest, 0.0)
        pairs = float((met.sum(axis=0) * (met.sum(axis=0) - 1)).sum())
        rate = (np.nansum(rows) + 5.0 * 0.4) / (met.sum() + 5.0)
        if pairs:
            agreed = float((residual.sum(axis=0) ** 2 - (residual**2).sum(axis=0)).sum())
            weight = pairs / (pairs + 200.0)
            seen = self._spread(float(rate), agreed / pairs)
            family = replace(family, spread=round(weight * seen + (1 - weight) * family.spread, 2))
        family = replace(family, hard=round(_hardness(float(rate), family), 2))
        self.offsets = self._difficulties(family)
        return self._climbed(family, PRIORS[:1])

    def rewrites(self, family: Family) -> Family:
        return self._climbed(family, PRIORS)

    def evidence(self, family: Family) -> float:
        """The logarithm of the probability of all results, whatever the abilities."""
        import numpy as np

        likely = self._likelihoods(family)
        onward = _kernel(family, self.grid)
        inward = np.zeros((len(self.agents), POINTS + 1))  # logarithms; the last state is to be broken
        total = 0.0
        for agent in reversed(self.agents):
            here = likely[agent.index] + inward[agent.index]
            if agent.parent is None:
                total += float(here[ZERO])
                continue
            top = float(here.max())
            inward[agent.parent.index] += np.log(onward @ np.exp(here - top) + 1e-300) + top
        return total

    def _likelihoods(self, family: Family) -> "Floats":
        """For each agent and each state, the logarithm of its results' probability."""
        import numpy as np

        chance = _chance(self.grid[:, None] - (family.hard + self.offsets)[None, :], family)
        yes, no = np.nan_to_num(self.solved), np.nan_to_num(1.0 - self.solved)
        able = yes @ np.log(chance).T + no @ np.log(1.0 - chance).T
        broken = np.where(self.able, -300.0, 0.0)
        return np.concatenate([able, broken[:, None]], axis=1)

    def _difficulties(self, family: Family) -> "Floats":
        """Each task's, beyond the mean, given rough abilities: a posterior mean on a grid."""
        import numpy as np

        abilities = np.zeros(len(self.agents))
        curve = np.array([_mean_chance(ability, family) for ability in self.grid])
        rates = np.zeros(len(self.agents))
        for agent in self.agents:
            above = rates[agent.parent.index] if agent.parent is not None else curve[ZERO]
            rates[agent.index] = (agent.solved + 6.0 * above) / (agent.evaluations + 6.0)
            abilities[agent.index] = np.interp(rates[agent.index], curve, self.grid)
        values = np.linspace(-3.5, 3.5, 57) * family.spread
        chance = _chance(abilities[self.able][:, None] - (family.hard + values)[None, :], family)
        yes, no = np.nan_to_num(self.solved[self.able]), np.nan_to_num(1.0 - self.solved[self.able])
        logs = yes.T @ np.log(chance) + no.T @ np.log(1.0 - chance) - (values / family.spread) ** 2 / 2
        odds = np.exp(logs - logs.max(axis=1, keepdims=True))
        means: Floats = odds @ values / odds.sum(axis=1)
        return means

    def _climbed(self, family: Family, priors: tuple[Prior, ...]) -> Family:
        """The most probable values of some parameters: each in turn, in smaller and smaller steps."""
        centre = asdict(family) | {name: asdict(DEFAULT)[name] for name in ("shift", "step", "broken", "ceiling")}
        at = {prior.name: prior.to(asdict(family)[prior.name]) for prior in priors}

        def made(point: dict[str, float]) -> Family:
            return replace(family, **{prior.name: prior.back(point[prior.name]) for prior in priors})

        def worth(point: dict[str, float]) -> float:
            distances = ((point[p.name] - p.to(centre[p.name])) / p.spread for p in priors)
            return self.evidence(made(point)) - sum(distance**2 for distance in distances) / 2

        best = worth(at)
        for scale in (1.0, 1.0, 0.5, 0.5, 0.25, 0.25):
            for prior in priors:
                for sign in (1.0, -1.0):
                    while True:
                        moved = at | {prior.name: at[prior.name] + sign * scale * prior.stride}
                        value = worth(moved)
                        if value <= best + 1e-9:
                            break
                        at, best = moved, value
        values = asdict(made(at))
        return replace(family, **{prior.name: round(values[prior.name], 3) for prior in priors})

    def _spread(self, rate: float, variance: float) -> float:
        """The spread at which tasks' chances vary so much."""
        import numpy as np

        spreads = np.linspace(0.1, 4.0, 40)
        found = []
        for spread in spreads:
            family = replace(DEFAULT, spread=float(spread))
            at = _hardness(rate, family)
            chances = _chance(_quantiles() * spread - at, family)
            found.append(float(chances.var()))
        return float(np.interp(variance, found, spreads))


def _chance(logit: "Floats", family: Family) -> "Floats":
    import numpy as np

    lapse = family.flaky * family.slip / 2
    chance: Floats = family.guess + (1.0 - family.guess - lapse) / (1.0 + np.exp(-logit))
    return chance


def _mean_chance(ability: float, family: Family) -> float:
    return float(_chance(ability - family.hard - family.spread * _quantiles(), family).mean())


def _hardness(rate: float, family: Family) -> float:
    """The mean difficulty at which an ability of 0 solves the share `rate`."""
    low, high = -12.0, 12.0
    for _ in range(40):
        middle = (low + high) / 2
        easier = _mean_chance(0.0, replace(family, hard=middle)) > rate
        low, high = (middle, high) if easier else (low, middle)
    return (low + high) / 2


@lru_cache(maxsize=1)
def _quantiles() -> "Floats":
    """A standard normal distribution in 41 points."""
    import numpy as np
    from scipy.special import ndtri

    points: Floats = ndtri((np.arange(41) + 0.5) / 41)
    return points


def _kernel(family: Family, grid: "Floats") -> "Floats":
    """From each state of a parent to each of a child; the last state is to be broken."""
    import numpy as np

    below, above = grid - (grid[1] - grid[0]) / 2, grid + (grid[1] - grid[0]) / 2
    room = 1.0 + np.exp(grid - family.ceiling)[:, None]
    middle = family.shift + family.drift
    scale = (family.step**2 + (family.wander**2) / 3.0) ** 0.5

    def until(edges: "Floats") -> "Floats":
        gain = edges[None, :] - grid[:, None]
        return _below((np.where(gain > 0, gain * room, gain) - middle) / scale)

    onward = np.maximum(until(above) - until(below), 1e-9)
    onward = onward / onward.sum(axis=1, keepdims=True)
    full = np.zeros((len(grid) + 1, len(grid) + 1))
    full[:-1, :-1] = (1 - family.idle) * (1 - family.broken) * onward + family.idle * np.eye(len(grid))
    full[:-1, -1] = (1 - family.idle) * family.broken
    full[-1, -1] = 1.0
    return full


def _below(x: "Floats") -> "Floats":
    """The distribution function of Student's t with 3 degrees of freedom."""
    import numpy as np

    z = x / 3.0**0.5
    share: Floats = 0.5 + (z / (1 + z**2) + np.arctan(z)) / np.pi
    return share
