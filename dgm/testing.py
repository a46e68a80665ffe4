"""A simulated world in place of models and sandboxes: for tests of the loop and for measuring it.

Invariant: a job's outcome depends on the job and the agent's source alone, and no outcome is decided by the clock.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from dgm.archive import Archive
from dgm.events import JobStarted
from dgm.files import File, Files
from dgm.jobs import Assignment, Evaluate, Expand, Failure, Job, JobId, Outcome, Rewrite, Usage, Verdict
from dgm.tree import Tree


def numbered(skill: float) -> Files:
    """An agent that is a number: its chance to solve a task."""
    return {"start": File(f"{skill:.6f}\n".encode(), executable=True)}


@dataclass
class World:
    """`flight.Work` in which an agent is a number and a job is a pause of `seconds(rng)`.

    `faults`: the chance that the environment fails a job; `done`: the jobs that workers were given, in order.
    """

    archive: Archive
    seconds: Callable[[Random], float] = lambda rng: 0.0
    faults: float = 0.0
    usd: float = 0.01
    cap: float = float("inf")
    patient: float = 60.0
    done: list[Assignment] = field(default_factory=list)
    stopped: threading.Event = field(default_factory=threading.Event)

    def assign(self, started: JobStarted) -> Assignment:
        return Assignment(started.id, started.job, self.archive.source(started.job.agent))

    def do(self, assignment: Assignment) -> Outcome:
        self.done.append(assignment)
        job = assignment.job
        skill = float(assignment.source["start"].data)
        rng = Random(f"{job} {skill} {assignment.id if isinstance(job, Expand) else ''}")
        usage = Usage(self.usd, 1, 100, 10)
        if self.stopped.wait(self.seconds(rng)):
            return Failure("interrupted", "it was cancelled", usage)
        if rng.random() < self.faults:
            return Failure("infra", "the environment failed", usage)
        if isinstance(job, Evaluate):
            return Verdict(rng.random() < skill, usage)
        if rng.random() < 0.1:
            return Failure("stillborn", "it is unchanged", usage)
        return Rewrite(numbered(min(0.95, max(0.02, skill + rng.gauss(0.02, 0.08)))), "a simulated change", usage)

    def allowance(self, job: Job) -> float:
        return self.patient

    def cancel(self, job: JobId | None = None) -> None:
        if job is None:
            self.stopped.set()

    def cost(self, job: JobId) -> Usage:
        return Usage(self.usd)

    def resumable(self, job: JobId) -> bool:
        return False

    def shortage(self) -> str:
        return ""

    def affordable(self, tree: Tree) -> bool:
        return tree.spent.usd + (len(tree.running) + 1) * self.usd <= self.cap + 1e-9
