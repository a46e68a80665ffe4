"""One world: a family and a seed decide every agent that can ever be born in it, and every outcome.

Invariant: what happens is a function of the world's seed and an agent's path from the root alone (common random
numbers), whatever is asked in whatever order.
"""

from dataclasses import dataclass, field
from hashlib import blake2b
from math import exp
from typing import TYPE_CHECKING

from dgm.events import JobStarted
from dgm.files import File
from dgm.jobs import (
    AgentId,
    Assignment,
    Evaluate,
    Expand,
    Failure,
    Job,
    JobId,
    Outcome,
    Rewrite,
    TaskId,
    Usage,
    Verdict,
)
from dgm.simulation.families import Family
from dgm.simulation.memory import NAME
from dgm.tree import Tree

if TYPE_CHECKING:
    import numpy as np
    from numpy.random import Generator

    Floats = np.ndarray[tuple[int], np.dtype[np.float64]]
    Booleans = np.ndarray[tuple[int], np.dtype[np.bool_]]

HIDDEN = 400
"""Tasks that no search ever sees: an agent's true utility is its mean success probability on them."""


@dataclass(frozen=True)
class Truth:
    """What nobody in the run can know of an agent. Arrays have an entry for each visible task."""

    ability: float
    drift: float
    broken: bool
    taste: "Floats"
    """For each visible and each hidden task."""
    utility: float
    """Mean success probability on the hidden tasks."""
    visible: float
    """The same on the visible ones."""
    solved: "Booleans"
    seconds: "Floats"


@dataclass
class World:
    """`flight.Work` that knows the truth. An evaluation costs a dollar, an expansion costs `k`."""

    family: Family
    seed: int
    k: float = 5.0
    count: int = 60
    """Visible tasks."""
    truths: dict[AgentId, Truth] = field(default_factory=dict)

    def __post_init__(self) -> None:
        import numpy as np

        family, size = self.family, self.count + HIDDEN
        rng = self._stream("tasks")
        self.tasks: tuple[TaskId, ...] = tuple(f"simulated/{n:03}" for n in range(self.count))
        self._index = {task: n for n, task in enumerate(self.tasks)}
        self._hardness = rng.normal(family.hard, family.spread, size)
        self._keenness = np.exp(rng.normal(0.0, 1.0, size) * family.keenness)
        self._slip = np.where(rng.random(size) < family.flaky, rng.random(size) * family.slip, 0.0)
        self._children: dict[AgentId, int] = {}
        self.root = self._name("seed")
        self.truths[self.root] = self._truth(
            self.root, 0.0, family.drift, False, rng.normal(0.0, 1.0, size) * family.taste
        )

    # ------------------------------------------------------------ the truth

    def child(self, parent: AgentId, number: int, author: AgentId | None = None) -> AgentId | None:
        """The agent that the expansion `number` of `parent` gives, if any. `author`: who rewrites it, if not itself."""
        rng = self._stream(f"{parent} {number}")
        family, before = self.family, self.truths[parent]
        stillborn, broken, idle, lucky = rng.random(4)
        step = rng.standard_t(family.tail) if family.tail else rng.normal()
        wander, fresh = rng.normal(), rng.normal(0.0, 1.0, len(before.taste))
        if stillborn < family.stillborn:
            return None
        name = self._name(f"{parent} {number}")
        if idle < family.idle:
            truth = self._truth(name, before.ability, before.drift, before.broken, before.taste)
        else:
            drift = before.drift if author is None else self.truths[author].drift
            gain = drift + family.shift + family.step * step + family.windfall * (lucky < family.lucky)
            if gain > 0:
                gain = min(gain, 2.0) / (1.0 + exp(min(before.ability - family.ceiling, 50.0)))
            kept = (1.0 - family.redrawn**2) ** 0.5
            mixed = (1.0 - family.contrast**2) ** 0.5 * wander - family.contrast * max(-2.0, min(2.0, step))
            truth = self._truth(
                name,
                before.ability + gain,
                before.drift + family.wander * mixed,
                before.broken or broken < family.broken,
                kept * before.taste + family.redrawn * family.taste * fresh,
            )
        self.truths[name] = truth
        return name

    def _truth(self, name: AgentId, ability: float, drift: float, broken: bool, taste: "Floats") -> Truth:
        import numpy as np

        family, count = self.family, self.count
        logit = self._keenness * (ability + taste - self._hardness)
        chance = family.guess + (1.0 - family.guess - self._slip) / (1.0 + np.exp(-logit))
        if broken:
            chance = np.zeros_like(chance)
        rng = self._stream(f"outcomes {name}")
        solved = rng.random(count) < chance[:count]
        seconds = np.exp(rng.normal(0.0, 1.0, count) * family.haste + family.drag * self._hardness[:count])
        seconds = np.where(solved, seconds, family.despair * seconds)
        visible, hidden = float(chance[:count].mean()), float(chance[count:].mean())
        return Truth(ability, drift, broken, taste, hidden, visible, solved, seconds)

    def _name(self, path: str) -> AgentId:
        return blake2b(f"{self.family.name} {self.seed} {path}".encode(), digest_size=20).hexdigest()

    def _stream(self, what: str) -> "Generator":
        import numpy as np

        digest = blake2b(f"{self.family.name} {self.seed} {what}".encode(), digest_size=16).digest()
        return np.random.Generator(np.random.SFC64(np.random.SeedSequence(int.from_bytes(digest))))

    # ------------------------------------------------------------ flight.Work

    def assign(self, started: JobStarted) -> Assignment:
        return Assignment(started.id, started.job, {})

    def do(self, assignment: Assignment) -> Outcome:
        job = assignment.job
        if isinstance(job, Evaluate):
            truth, task = self.truths[job.agent], self._index[job.task]
            return Verdict(bool(truth.solved[task]), Usage(1.0, seconds=float(truth.seconds[task])))
        return self._expand(job)

    def _expand(self, job: Expand) -> Rewrite | Failure:
        number = self._children[job.agent] = self._children.get(job.agent, 0) + 1
        seconds = self.family.expanding * exp(self._stream(f"pace {job.agent} {number}").normal() * 0.4)
        usage = Usage(self.k, seconds=seconds)
        child = self.child(job.agent, number, job.author)
        if child is None:
            return Failure("stillborn", "it is unchanged", usage)
        return Rewrite({NAME: File(child.encode())}, "", usage)

    def allowance(self, job: Job) -> float:
        return 1e9

    def cancel(self, job: JobId | None = None) -> None:
        pass

    def cost(self, job: JobId) -> Usage:
        return Usage()

    def resumable(self, job: JobId) -> bool:
        return False

    def affordable(self, tree: Tree) -> bool:
        return True

    def shortage(self) -> str:
        return ""
