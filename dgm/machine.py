"""The machine, which is the whole algorithm (HGM, arXiv 2510.21614, Algorithm 1):

    until the budget is spent
        if evaluations ** alpha >= agents:  pick a parent by its clade; let it write a child
        else:                               pick an agent by its own record; give it a task
        write down what happened

`HGM` is the choice, `run` is the loop: it asks for jobs, has them done anywhere, and records how they end.
Invariant: a choice depends on the log alone, so every choice can be explained and recomputed from it.
"""

from collections.abc import Callable
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from time import monotonic
from typing import TYPE_CHECKING, Protocol

from msgspec import Struct

from dgm.config import PolicyConfig
from dgm.events import JobStarted
from dgm.jobs import Assignment, Evaluate, Expand, Failure, Job, JobId, Outcome, Usage
from dgm.pool import Pool
from dgm.tree import Agent, Tree

if TYPE_CHECKING:
    from numpy.random import Generator

    from dgm.archive import Archive

Policy = Callable[[Tree, "Generator"], Job | None]
"""Picks the next job, or None to start nothing until something has finished. Pure."""


# ---------------------------------------------------------------- the choice


@dataclass(frozen=True)
class HGM:
    """Huxley-Gödel Machine: expand the most promising clade, evaluate the most promising agent.

    `budget` is B, in evaluations. Unlike the released code it lets a tree grow in which nothing was solved yet, and it
    charges failed expansions: each counts as an agent when the tree's width is compared with the evaluations so far.
    """

    budget: int
    config: PolicyConfig = field(default_factory=PolicyConfig)

    def __call__(self, tree: Tree, rng: "Generator") -> Job | None:
        evaluating = len(tree.running) - tree.expanding
        left = self.budget - tree.evaluations - evaluating
        if left <= 0:
            return None
        tau = self.budget / left if self.config.cooling else 1.0
        opening = self.opening(tree, rng)
        if opening is not None:
            return opening
        if tree.evaluations**self.config.alpha >= len(tree.agents) + tree.expanding + tree.stillborn:
            return self.expand(tree, tau, rng) or self.evaluate(tree, tau, rng)
        job = self.evaluate(tree, tau, rng)
        return self.expand(tree, tau, rng) if job is None and not tree.running else job

    def opening(self, tree: Tree, rng: "Generator") -> Job | None:
        """The warm start: some evaluations of the seed, then some expansions of it; None once both have been had."""
        seed = tree.seeds[0]
        if seed.evaluations + len(seed.evaluating) < self.config.seed_evaluations and (todo := tree.untried(seed)):
            return Evaluate(seed.id, todo[rng.integers(len(todo))])
        had = len(seed.children) + seed.expanding + tree.stillborn
        if had < self.config.warm_start and seed.index in tree.expandable:
            return Expand(seed.id, study(seed, rng))
        return None

    def expand(self, tree: Tree, tau: float, rng: "Generator") -> Expand | None:
        """theta_a ~ Beta(tau (1 + S_clade), tau (1 + F_clade)); the agent with the largest becomes a parent."""
        index = thompson(tree.expandable, tau, rng)
        if index is None:
            return None
        parent = tree.agent(index)
        return Expand(parent.id, study(parent, rng))

    def evaluate(self, tree: Tree, tau: float, rng: "Generator") -> Evaluate | None:
        """theta_a ~ Beta(tau (1 + S_a), tau (1 + F_a)); the agent with the largest gets a task that is new to it."""
        index = thompson(tree.evaluable, tau, rng)
        if index is None:
            return None
        agent = tree.agent(index)
        todo = tree.untried(agent)
        return Evaluate(agent.id, todo[rng.integers(len(todo))])


def thompson(pool: Pool, tau: float, rng: "Generator") -> int | None:
    """The agent with the largest of independent draws from Beta(tau (1 + solved), tau (1 + failed)); None of none.

    The largest of n draws from one posterior is its quantile at U^(1/n): one draw serves a group of equal tallies, so
    this has the distribution of a draw for every agent at the cost of a draw for every distinct tally.
    """
    import numpy as np

    if not len(pool):
        return None
    sizes = np.frombuffer(pool.sizes, dtype=np.int64)
    a = tau * (1.0 + np.frombuffer(pool.solved))
    b = tau * (1.0 + np.frombuffer(pool.failed))
    draws = rng.beta(a, b)
    crowds = np.flatnonzero(sizes > 1)
    if len(crowds):
        from scipy.special import betaincinv

        draws[crowds] = betaincinv(a[crowds], b[crowds], rng.random(len(crowds)) ** (1.0 / sizes[crowds]))
    members = pool.members[int(np.argmax(draws))]
    return members[rng.integers(len(members))]


def study(parent: Agent, rng: "Generator") -> str | None:
    """A task that `parent`, or else the nearest ancestor with a failure, has failed: the evidence of an expansion.

    One of those that `parent` has been expanded on least often: the same evidence again teaches less than another.
    """
    for agent in reversed(parent.lineage()):
        failed = [task for task, solved in agent.results.items() if not solved and not parent.results.get(task)]
        if failed:
            least = min(parent.studied.get(task, 0) for task in failed)
            fresh = [task for task in failed if parent.studied.get(task, 0) == least]
            return fresh[rng.integers(len(fresh))]
    return None


def stream(random_seed: int, tree: Tree) -> "Generator":
    """The random numbers of the next choice: a function of the log, so a resumed run needs no saved generator."""
    from numpy.random import default_rng

    return default_rng([random_seed, tree.length])


# ---------------------------------------------------------------- the loop


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


GRACE = 30.0
"""Seconds between ending a stuck job's processes and giving up on its worker."""


@dataclass
class Flight:
    """The jobs under way, with the time at which each is cancelled and then given up."""

    work: Work
    executor: Executor
    landed: "SimpleQueue[tuple[JobId, Future[Outcome]]]" = field(default_factory=SimpleQueue)
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


def run(
    archive: "Archive",
    policy: Policy,
    work: Work,
    executor: Executor,
    slots: int,
    halted: Callable[[], End | None] = lambda: None,
    random_seed: int = 0,
    pause_hours: float = 12.0,
    tick: float = 0.5,
) -> End:
    """Grow the archive until the policy wants nothing more, nothing more can be afforded, or `halted` says so.

    Whatever an earlier driver left running is finished first where a paid part of it was kept, and is over otherwise.
    """
    flight = Flight(work, executor)
    patience = Patience(pause_hours * 3600)
    for started in list(archive.tree.running.values()):
        if work.resumable(started.id):
            flight.launch(started)
        else:
            lost = Failure("interrupted", "the driver stopped while this job ran", work.cost(started.id))
            archive.finish(started.id, lost)
    while True:
        tree = archive.tree
        end = halted() or patience.exhausted(tree)
        while end is None and len(flight.deadlines) < patience.slots(tree, slots):
            if not work.affordable(tree):
                end = End(3, "the next job may no longer fit under caps.usd_per_run")
            elif (job := policy(tree, stream(random_seed, tree))) is not None:
                flight.launch(archive.start(job))
            else:
                end = None if flight.deadlines else End(0, "the budget is spent")
                break
        if end is not None and not flight.deadlines:
            return end
        landed = flight.next(tick)
        if landed is not None:
            archive.finish(*landed)
            pause = patience.pause(tree)
            if pause:
                archive.pause(*pause)


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
