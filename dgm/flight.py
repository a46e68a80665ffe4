"""The jobs under way: launched, awaited, given up; and how long to wait while the environment keeps failing.

Invariant: every job that is launched comes back once, as an outcome, and one that is stuck holds up no other.
"""

from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from time import monotonic
from typing import Any, Protocol

from msgspec import Struct

from dgm.events import JobStarted
from dgm.jobs import Assignment, Failure, Job, JobId, Outcome, Usage
from dgm.tree import Tree


class End(Struct, frozen=True):
    """Why and how a run stopped; `code` is the exit code."""

    code: int
    reason: str


class Work(Protocol):
    """Does jobs. All methods but `do` are called by the driver's thread alone."""

    def assign(self, started: JobStarted) -> Assignment:
        """Everything that a worker needs for the job."""

    def do(self, assignment: Assignment) -> Outcome:
        """Runs on a worker. Never raises."""

    def allowance(self, job: Job) -> float:
        """Seconds after which the job is surely stuck."""

    def cancel(self, job: JobId | None = None) -> None:
        """End the processes and containers of one job, or of all."""

    def cost(self, job: JobId) -> Usage:
        """What a job without an outcome has cost so far, according to the gateway's ledger."""

    def resumable(self, job: JobId) -> bool:
        """Whether a job that an earlier driver left behind has a paid part that can be used."""

    def affordable(self, tree: Tree) -> bool:
        """Whether one more job fits under the run's spending cap, even if all running ones cost all they may."""

    def shortage(self) -> str:
        """Why nothing more should begin on this machine for now, and what to do; empty as long as all is well."""


GRACE = 30.0
"""Seconds between ending a stuck job's processes and giving up on its worker."""


class Landed(Protocol):
    """Jobs that have ended, in that order: a `SimpleQueue`, or one in which waiting makes a simulated clock go on."""

    def put(self, item: "tuple[JobId, Future[Outcome]]") -> None: ...

    def get(self, block: bool = True, timeout: float | None = None) -> "tuple[JobId, Future[Outcome]]": ...


@dataclass
class Flight:
    """The jobs under way, with the time at which each is cancelled and then given up."""

    work: Work
    executor: Executor
    landed: Landed = field(default_factory=SimpleQueue[Any])
    deadlines: dict[JobId, float] = field(default_factory=dict)
    cancelled: set[JobId] = field(default_factory=set)

    def launch(self, started: JobStarted) -> None:
        future = self.executor.submit(self.work.do, self.work.assign(started))
        self.deadlines[started.id] = monotonic() + self.work.allowance(started.job)
        future.add_done_callback(lambda done: self.landed.put((started.id, done)))

    def next(self, seconds: float) -> tuple[JobId, Outcome] | None:
        """The next job that ended within `seconds`, also one that was given up; None if there was none."""
        try:
            id, future = self.landed.get(timeout=seconds)
        except Empty:
            return self._overdue()
        if self.deadlines.pop(id, None) is None:
            return None  # it was given up before
        self.cancelled.discard(id)
        error = future.exception()
        if error is not None:
            return id, Failure("lost", f"the worker died: {error!r}", self.work.cost(id))
        return id, future.result()

    def _overdue(self) -> tuple[JobId, Outcome] | None:
        now = monotonic()
        late = next((id for id, deadline in self.deadlines.items() if deadline < now), None)
        if late is None:
            return None
        if late not in self.cancelled:
            self.cancelled.add(late)
            self.work.cancel(late)
            self.deadlines[late] = now + GRACE
            return None
        del self.deadlines[late]
        return late, Failure("lost", "it outlived its deadline and was given up", self.work.cost(late))


@dataclass
class Patience:
    """When the environment keeps failing, wait and probe instead of burning the run."""

    longest: float
    until: float = 0.0
    since: float | None = None
    LIMIT = 3  # failures in a row, of any job, before the run pauses
    FIRST, MOST = 5.0, 600.0  # seconds

    @staticmethod
    def failures(tree: Tree) -> int:
        """Jobs in a row that ended for the environment's sake; a dead provider needs no third proof."""
        row = tree.failed_in_a_row
        return row["infra"] + row["lost"] + row["provider"] * Patience.LIMIT

    def slots(self, tree: Tree, slots: int) -> int:
        """How many jobs may run now: none during a pause, one as a probe after it, else all."""
        if monotonic() < self.until:
            return 0
        return slots if self.failures(tree) < self.LIMIT else 1

    def pause(self, tree: Tree) -> tuple[str, float] | None:
        """Begin a pause if the last outcome asks for one: its reason and length in seconds."""
        failures = self.failures(tree)
        if failures < self.LIMIT:
            self.since = None
            return None
        now = monotonic()
        if now < self.until:
            return None  # another job of the same outage
        self.since = self.since or now
        seconds = min(self.FIRST * 2.0 ** min(failures - self.LIMIT, 20), self.MOST)
        self.until = now + seconds
        return tree.last_failure, seconds

    def exhausted(self, tree: Tree) -> End | None:
        if self.since is None or monotonic() - self.since < self.longest:
            return None
        return End(1, f"still failing after {self.longest / 3600:g} hours: {tree.last_failure}")
