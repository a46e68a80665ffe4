"""Exact inference on a tree in which a child is centred on its parent.

    a seed             ability ~ N(0, seed^2)                          drift ~ N(0, ONWARD^2)
    a child c of p     ability_c = ability_p + drift_p + N(0, tau^2)   drift_c = drift_p + N(0, walk^2)
    the evidence       of each agent: a precision w and a weighted mean h, as of a Gaussian likelihood of its ability

Drift is the skill of improving oneself: it is inherited, and only descendants show it. Evidence goes up from the leaves
(`_condense`), belief comes down from the seeds (`_hand_down`): Gaussian message passing, O(agents); what lies not above
anything new is not computed again on the way up, and the way down is a matter of the square root of the depth.

Invariant: a function of the parents and the evidence alone, to the last bit, however they were arrived at.
"""

from array import array
from collections.abc import Sequence
from math import isqrt

import numpy as np

ONWARD = 0.25
"""What rewrites may be worth on the average, in logits."""

NOBODY = -1

Floats = np.ndarray[tuple[int, ...], np.dtype[np.float64]]
Indices = np.ndarray[tuple[int], np.dtype[np.intp]]
Step = tuple[Indices, Indices]
"""Agents, and of each the one above it that it is computed from."""


class Heredity:
    """Beliefs about agents that are numbered in order of birth. Standard deviations in logits."""

    def __init__(self, seed: float, tau: float, walk: float) -> None:
        self._seed, self._tau, self._walk = seed**-2, tau**-2, walk**-2
        """Precisions."""
        self._parents, self._depths = array("q"), array("q")
        """The parent of a seed is `NOBODY`."""
        self._children: list[list[int]] = []
        self._evidence: list[tuple[float, float]] = []
        self._message: list[tuple[float, float, float, float, float]] = []
        """What each agent's clade says of its parent: a precision matrix (three entries) and a weighted mean."""
        self._stale: set[int] = set()
        self._maps = np.zeros((2, 5, 64))
        """By the evidence in its clade, an agent whose parent is x is N(G x + m, C): the columns G, m, C of each."""
        self._belief = np.zeros((2, 3, 0))
        """By all there is it is N(m, C): the columns m, C of each."""
        self._blocks: tuple[list[Step], list[Step]] = [], []
        """See `_blocked`."""

    def __len__(self) -> int:
        return len(self._parents)

    @property
    def mean(self) -> Floats:
        """Ability and drift of each agent, shape (agents, 2), as of the last `settle`."""
        return self._belief[:, 0].T

    @property
    def cov(self) -> Floats:
        """Their covariance: shape (agents, 2, 2)."""
        return self._belief[:, 1:].T

    def join(self, parent: int | None) -> None:
        """The next agent is born."""
        index = len(self)
        self._parents.append(NOBODY if parent is None else parent)
        self._depths.append(0 if parent is None else self._depths[parent] + 1)
        self._children.append([])
        self._evidence.append((0.0, 0.0))
        self._message.append((0.0, 0.0, 0.0, 0.0, 0.0))
        if parent is not None:
            self._children[parent].append(index)
        if index == self._maps.shape[2]:
            self._maps = np.concatenate([self._maps, np.zeros_like(self._maps)], axis=2)
        self._stale.add(index)

    def tell(self, index: int, precision: float, weighted: float) -> None:
        """Replace the evidence of an agent: its likelihood is exp(weighted x - precision x^2 / 2) for an ability x."""
        if self._evidence[index] != (precision, weighted):
            self._evidence[index] = precision, weighted
            self._stale.add(index)

    def settle(self) -> None:
        """Bring all beliefs up to date."""
        if not self._stale:
            return
        above: set[int] = set()
        for stale in self._stale:
            index = stale
            while index != NOBODY and index not in above:
                above.add(index)
                index = self._parents[index]
        self._stale.clear()
        changed = sorted(above, reverse=True)
        self._maps[:, :, changed] = np.array([self._condense(index) for index in changed]).T.reshape(2, 5, -1)
        if self._belief.shape[2] < len(self):
            self._blocks = _blocked(np.array(self._parents), np.array(self._depths))
        self._hand_down()

    def log_evidence(self) -> float:
        """The logarithm of how likely all evidence is, up to what does not depend on the standard deviations."""
        own = self._maps[:, 2:, : len(self)].T
        mean, cov = own[:, 0], own[:, 1:]
        fit = np.einsum("ni,nij,nj->", mean, np.linalg.inv(cov), mean)
        seeds = self._depths.count(0)
        prior = seeds * np.log(self._seed * ONWARD**-2) + (len(self) - seeds) * np.log(self._tau * self._walk)
        return float(fit + np.log(np.linalg.det(cov)).sum() + prior) / 2

    def path(self, index: int, noise: Floats) -> tuple[Floats, Floats]:
        """Joint draws of the abilities of an agent and of its seed. `noise`: standard normal, shape (depth + 1, 2,
        draws)."""
        lineage: list[int] = []
        while index != NOBODY:
            lineage.append(index)
            index = self._parents[index]
        drawn = np.zeros((2, noise.shape[-1]))
        seed = drawn[0]
        for number, member in enumerate(reversed(lineage)):
            gain, own, cov = np.split(self._maps[:, :, member], [2, 3], axis=1)
            drawn = gain @ drawn + own + np.linalg.cholesky(cov) @ noise[number]
            seed = drawn[0] if number == 0 else seed
        return drawn[0], seed

    def _condense(self, index: int) -> tuple[float, ...]:
        """Make the evidence of a clade one Gaussian factor, and what it says of its parent another. Gives its map."""
        a, u = self._evidence[index]
        b = c = v = 0.0
        for child in self._children[index]:
            a_, b_, c_, u_, v_ = self._message[child]
            a, b, c, u, v = a + a_, b + b_, c + c_, u + u_, v + v_
        root = self._parents[index] == NOBODY
        p, q = (self._seed, ONWARD**-2) if root else (self._tau, self._walk)
        a, c = a + p, c + q
        determinant = a * c - b * b
        v11, v12, v22 = c / determinant, -b / determinant, a / determinant
        g, h = v11 * u + v12 * v, v12 * u + v22 * v
        if root:
            return 0.0, 0.0, g, v11, v12, 0.0, 0.0, h, v12, v22
        m11, m12, m22 = p - p * p * v11, -p * q * v12, q - q * q * v22
        self._message[index] = m11, m11 + m12, m11 + 2 * m12 + m22, p * g, p * g + q * h
        return v11 * p, v11 * p + v12 * q, g, v11, v12, v12 * p, v12 * p + v22 * q, h, v12, v22

    def _hand_down(self) -> None:
        """Each agent's belief is its parent's through its map."""
        maps = self._maps[:, :, : len(self)].copy()
        within, across = self._blocks
        for agents, above in within:
            maps[:, :, agents] = _through(maps.take(agents, 2), maps.take(above, 2))
        self._belief = maps[:, 2:]
        for agents, above in across:
            self._belief[:, :, agents] = _through(maps.take(agents, 2), self._belief.take(above, 2))


def inherited(
    parents: Sequence[int | None], evidence: Sequence[tuple[float, float]], seed: float, tau: float, walk: float
) -> Heredity:
    """All agents at once, as by `Heredity.join` and `Heredity.tell`, settled."""
    heredity = Heredity(seed, tau, walk)
    for index, parent in enumerate(parents):
        heredity.join(parent)
        heredity.tell(index, *evidence[index])
    heredity.settle()
    return heredity


def _blocked(parent: Indices, depth: Indices) -> tuple[list[Step], list[Step]]:
    """The way down in few steps, each for many agents at once. Levels make blocks, as many as each has levels.

    First, in all blocks at the same time, each level's maps are composed with those of the level above, so that they
    lead from above the block; then each block is computed from the one above it.
    """
    size = isqrt(int(depth.max())) + 1
    block, level = np.divmod(depth, size)
    within: list[Step] = []
    above = parent.copy()
    for number in range(1, size):
        agents = np.flatnonzero(level == number)
        within.append((agents, parent[agents]))
        above[agents] = above[parent[agents]]
    blocks = [np.flatnonzero(block == number) for number in range(1, int(block.max()) + 1)]
    across = [(agents, above[agents]) for agents in blocks]
    return within, across


def _through(maps: Floats, earlier: Floats) -> Floats:
    """What becomes of beliefs (columns m, C), or of other maps (columns G, m, C), through `maps`."""
    gain = maps[:, :2]
    made: Floats = gain[:, 0, None] * earlier[0] + gain[:, 1, None] * earlier[1]
    made[:, -2:] = made[:, -2, None] * gain[:, 0] + made[:, -1, None] * gain[:, 1]
    made[:, -3:] += maps[:, 2:]
    return made
