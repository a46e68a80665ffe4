"""Exact inference on a tree in which a child is centred on its parent.

    a seed             ability ~ N(0, seed^2)                          drift ~ N(0, ONWARD^2)
    a child c of p     ability_c = ability_p + drift_p + N(0, tau^2)   drift_c = drift_p + N(0, walk^2)
    the evidence       of each agent: a precision w and a weighted mean h, as of a Gaussian likelihood of its ability

Drift is the skill of improving oneself: it is inherited, and only descendants show it. Evidence goes up from the leaves
(`_condense`), belief comes down from the seeds (`_hand_down`): Gaussian message passing, O(agents); what lies not above
anything new is not computed again on the way up.

Invariant: a function of the parents and the evidence alone, to the last bit, however they were arrived at.
"""

import numpy as np

ONWARD = 0.25
"""What rewrites may be worth on the average, in logits."""

Floats = np.ndarray[tuple[int, ...], np.dtype[np.float64]]
Indices = np.ndarray[tuple[int], np.dtype[np.intp]]


class Heredity:
    """Beliefs about agents that are numbered in order of birth. Standard deviations in logits."""

    def __init__(self, seed: float, tau: float, walk: float) -> None:
        self._seed, self._tau, self._walk = seed**-2, tau**-2, walk**-2
        """Precisions."""
        self._parents: list[int | None] = []
        self._children: list[list[int]] = []
        self._depths: list[int] = []
        self._levels: list[tuple[Indices, Indices]] = []
        """For each depth, the agents and their parents."""
        self._evidence: list[tuple[float, float]] = []
        self._message: list[tuple[float, float, float, float, float]] = []
        """What each agent's clade says of its parent: a precision matrix (three entries) and a weighted mean."""
        self._stale: set[int] = set()
        self._gain = np.zeros((64, 2, 2))
        self._own = np.zeros((64, 2, 3))
        """An agent whose parent is x is N(gain x + own[:, 0], own[:, 1:]) by the evidence in its clade."""
        self._belief = np.zeros((64, 2, 3))
        """And N(belief[:, 0], belief[:, 1:]) by all there is."""

    def __len__(self) -> int:
        return len(self._parents)

    @property
    def mean(self) -> Floats:
        """Ability and drift of each agent, shape (agents, 2), as of the last `settle`."""
        return self._belief[: len(self), :, 0]

    @property
    def cov(self) -> Floats:
        """Their covariance: shape (agents, 2, 2)."""
        return self._belief[: len(self), :, 1:]

    def join(self, parent: int | None) -> None:
        """The next agent is born."""
        index = len(self)
        self._parents.append(parent)
        self._children.append([])
        self._evidence.append((0.0, 0.0))
        self._message.append((0.0, 0.0, 0.0, 0.0, 0.0))
        depth = 0
        if parent is not None:
            self._children[parent].append(index)
            depth = self._depths[parent] + 1
        self._depths.append(depth)
        if depth == len(self._levels):
            self._levels.append((np.zeros(0, np.intp), np.zeros(0, np.intp)))
        agents, parents = self._levels[depth]
        self._levels[depth] = np.append(agents, index), np.append(parents, -1 if parent is None else parent)
        if index == len(self._own):
            self._gain, self._own, self._belief = (
                np.concatenate([array, np.zeros_like(array)]) for array in (self._gain, self._own, self._belief)
            )
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
            index: int | None = stale
            while index is not None and index not in above:
                above.add(index)
                index = self._parents[index]
        self._stale.clear()
        for index in sorted(above, reverse=True):
            self._condense(index)
        self._hand_down()

    def log_evidence(self) -> float:
        """The logarithm of how likely all evidence is, up to what does not depend on the standard deviations."""
        own = self._own[: len(self)]
        mean, cov = own[:, :, 0], own[:, :, 1:]
        fit = np.einsum("ni,nij,nj->", mean, np.linalg.inv(cov), mean)
        seeds = len(self._levels[0][0])
        prior = seeds * np.log(self._seed * ONWARD**-2) + (len(self) - seeds) * np.log(self._tau * self._walk)
        return float(fit + np.log(np.linalg.det(cov)).sum() + prior) / 2

    def path(self, index: int, noise: Floats) -> tuple[Floats, Floats]:
        """Joint draws of the abilities of an agent and of its seed. `noise`: standard normal, shape (depth + 1, 2,
        draws)."""
        lineage: list[int] = []
        step: int | None = index
        while step is not None:
            lineage.append(step)
            step = self._parents[step]
        drawn = np.zeros((2, noise.shape[-1]))
        seed = drawn[0]
        for number, member in enumerate(reversed(lineage)):
            own = self._own[member]
            drawn = self._gain[member] @ drawn + own[:, :1] + np.linalg.cholesky(own[:, 1:]) @ noise[number]
            seed = drawn[0] if number == 0 else seed
        return drawn[0], seed

    def _condense(self, index: int) -> None:
        """Make the evidence of a clade one Gaussian factor, and what it says of its parent another."""
        a, u = self._evidence[index]
        b = c = v = 0.0
        for child in self._children[index]:
            a_, b_, c_, u_, v_ = self._message[child]
            a, b, c, u, v = a + a_, b + b_, c + c_, u + u_, v + v_
        parent = self._parents[index]
        p, q = (self._seed, ONWARD**-2) if parent is None else (self._tau, self._walk)
        a, c = a + p, c + q
        determinant = a * c - b * b
        v11, v12, v22 = c / determinant, -b / determinant, a / determinant
        g, h = v11 * u + v12 * v, v12 * u + v22 * v
        self._own[index] = (g, v11, v12), (h, v12, v22)
        if parent is None:
            return
        self._gain[index] = (v11 * p, v11 * p + v12 * q), (v12 * p, v12 * p + v22 * q)
        m11, m12, m22 = p - p * p * v11, -p * q * v12, q - q * q * v22
        self._message[index] = m11, m11 + m12, m11 + 2 * m12 + m22, p * g, p * g + q * h

    def _hand_down(self) -> None:
        """Each level is its parents' belief through `gain`, plus what its clades say by themselves."""
        self._belief[: len(self)] = self._own[: len(self)]
        for agents, parents in self._levels[1:]:
            gain = self._gain[agents]
            inherited = gain @ self._belief[parents]
            inherited[:, :, 1:] @= gain.transpose(0, 2, 1)
            self._belief[agents] += inherited
