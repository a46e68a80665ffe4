"""One job on a worker: an assignment in, an outcome out.

Invariant: an outcome is returned, never raised, and its usage is what the gateway's ledger says.
"""

import traceback
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import gettempdir
from threading import Event

import msgspec

from dgm.agent import Means
from dgm.archive import Archive
from dgm.attempt import Attempt, readable
from dgm.config import Config
from dgm.durable import NotWritten, shortage
from dgm.evaluate import GRADING_TRIES, LONGEST_WAIT, evaluate
from dgm.events import JobStarted
from dgm.expand import Draft, expand
from dgm.gateway import Gateway
from dgm.jobs import Assignment, Evaluate, Evidence, Failure, Job, JobId, Outcome, Usage
from dgm.ledger import read_transcript, spent
from dgm.protocols import Benchmark, Sandbox, SandboxFault
from dgm.results import Results
from dgm.store import load
from dgm.tree import Tree

LONGEST_FETCH = 1800.0
"""Seconds that an image may take to be fetched again, where room had to be made for others."""


@dataclass
class Worker:
    """`flight.Work` with real agents: everything that a job needs, put together once."""

    archive: Archive
    benchmark: Benchmark
    sandbox: Sandbox
    gateway: Gateway
    config: Config
    results: Results | None = None
    stopping: Event = field(default_factory=Event)
    """Set once all jobs were cancelled: nobody waits any more."""
    short: str = ""
    """Why the disk has no room for another job."""

    # ------------------------------------------------------------ on a worker

    def do(self, assignment: Assignment) -> Outcome:
        """Do the job. Never raises: what went wrong is part of the outcome."""
        try:
            outcome = self._do(assignment)
        except SandboxFault as fault:
            outcome = Failure("infra", str(fault))
        except Exception as error:  # noqa: BLE001  # the worker's boundary: a bug must not look like a verdict
            with suppress(OSError, NotWritten):  # for people only; a full disk may be the very error
                (self.archive.folder(assignment.id) / "error.txt").write_text(traceback.format_exc())
            outcome = Failure("infra", f"{type(error).__name__}: {error}")
        # A full disk fails every job, whichever agent or task it is about: it stops the run and charges none of them.
        if isinstance(outcome, Failure) and outcome.cause == "infra" and self.shortage():
            outcome = msgspec.structs.replace(outcome, cause="interrupted")
        ledger = self.cost(assignment.id)
        return msgspec.structs.replace(outcome, usage=ledger + Usage(seconds=outcome.usage.seconds))

    def _do(self, assignment: Assignment) -> Outcome:
        job = assignment.job
        means = Means(self.benchmark, self.sandbox, self.gateway, self.config, self.results)
        if isinstance(job, Evaluate):
            return evaluate(assignment, job, means, self.archive.folder, self.stopping)
        return expand(assignment, job, means, self.archive.folder(assignment.id))

    # ------------------------------------------------------------ in the driver

    def assign(self, started: JobStarted) -> Assignment:
        """The job with its agent's source and what else it needs."""
        job = started.job
        tree = self.archive.tree
        source = self.archive.source(job.agent)
        if isinstance(job, Evaluate):
            missed = tree.agents[job.agent].missed.get(job.task)
            earlier = missed if missed is not None and self.resumable(missed) else None
            return Assignment(started.id, job, source, earlier=earlier)
        evidence = self.evidence(tree, job.agent, job.study) if job.study else None
        author = self.archive.source(job.author) if job.author is not None else None
        return Assignment(started.id, job, source, evidence, self.archive.known(), author)

    def evidence(self, tree: Tree, agent: str, task: str) -> Evidence | None:
        """How `agent`, or its nearest ancestor that tried, failed `task`."""
        for one in reversed(tree.agents[agent].lineage()):
            if one.results.get(task) is False:
                attempt = load(self.archive.folder(one.jobs[task]) / "attempt.json", Attempt)
                patch = readable(attempt.patch) if attempt else ""
                jobs = attempt.jobs() if attempt else [one.jobs[task]]  # where it was made, if graded by a later one
                transcript = "\n".join(read_transcript(self.archive.folder(job)) for job in jobs)
                try:
                    statement = self.benchmark.task(task).statement
                except KeyError:
                    return None  # the benchmark was changed since, which --amend allows
                return Evidence(task, statement, transcript, patch)
        return None

    def allowance(self, job: Job) -> float:
        """Seconds after which a job is surely stuck: all its stages at their limits, retries and waits included."""
        limits = self.config
        if isinstance(job, Evaluate):
            task = self.benchmark.task(job.task)
            # What comes before an attempt has the same time limit.
            stages = 1 + bool(task.derive) + bool(task.setup or task.tries > 1)
            attempt = (task.seconds or limits.attempt.seconds) * stages
            grading = (limits.grading.seconds * stages + LONGEST_WAIT + 30.0) * GRADING_TRIES
            fetching = LONGEST_FETCH if task.image else 0.0
            return (attempt + grading) * task.tries + fetching + 60.0
        calls = 3 * limits.model("diagnose").seconds_per_call
        return calls + limits.expansion.seconds + 180.0

    def cancel(self, job: JobId | None = None) -> None:
        if job is None:
            self.stopping.set()
        self.gateway.cancel(job)
        self.sandbox.cancel(job)

    def cost(self, job: JobId) -> Usage:
        return spent(self.archive.folder(job))

    def resumable(self, job: JobId) -> bool:
        """Whether an attempt or a draft was kept, so that what was paid for is not paid for again."""
        tree = self.archive.tree
        started = tree.running.get(job)
        if started is not None and isinstance(started.job, Evaluate) and started.job.task not in tree.tasks:
            return False  # the benchmark was changed since
        folder: Path = self.archive.folder(job)
        return (folder / "attempt.json").exists() or load(folder / "draft.json", Draft) is not None

    def shortage(self) -> str:
        """Once there is one, it stays: jobs that it has ended are left to the next start."""
        self.short = self.short or shortage(self.archive.path) or shortage(Path(gettempdir()))
        return self.short

    def affordable(self, tree: Tree, besides: float = 0.0) -> bool:
        """Whether the run's cap holds even if every running job and one more cost all that a job may, and `besides`
        dollars are spent otherwise."""
        if self.gateway.free:
            return True
        caps = self.config.caps
        # Once nothing is running, the gateway's books may hold more than the tree: calls of workers that were given up.
        booked = tree.spent.usd if tree.running else max(tree.spent.usd, self.gateway.usd)
        worst = booked + besides + (len(tree.running) + 1) * caps.usd_per_job
        return worst <= caps.usd_per_run
