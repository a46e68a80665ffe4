"""One job on a worker: an assignment in, an outcome out.

Invariant: an outcome is returned, never raised, and its usage is what the gateway's ledger says.
"""

import traceback
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event

import msgspec

from dgm.archive import Archive
from dgm.config import Config
from dgm.durable import NotWritten
from dgm.evaluate import GRADING_TRIES, LONGEST_WAIT, Attempt, evaluate
from dgm.events import JobStarted
from dgm.expand import Draft, expand
from dgm.gateway import Gateway
from dgm.jobs import Assignment, Evaluate, Evidence, Failure, Job, JobId, Outcome, Usage
from dgm.ledger import cut, read_transcript, spent
from dgm.protocols import Benchmark, Patch, Sandbox, SandboxFault
from dgm.store import load
from dgm.tree import Tree


@dataclass
class Worker:
    """`flight.Work` with real agents: everything that a job needs, put together once."""

    archive: Archive
    benchmark: Benchmark
    sandbox: Sandbox
    gateway: Gateway
    config: Config
    stopping: Event = field(default_factory=Event)
    """Set once all jobs were cancelled: nobody waits any more."""

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
        ledger = self.cost(assignment.id)
        return msgspec.structs.replace(outcome, usage=ledger + Usage(seconds=outcome.usage.seconds))

    def _do(self, assignment: Assignment) -> Outcome:
        job = assignment.job
        if isinstance(job, Evaluate):
            return evaluate(
                assignment,
                job,
                self.benchmark,
                self.sandbox,
                self.gateway,
                self.config,
                self.archive.folder,
                self.stopping,
            )
        here = self.archive.folder(assignment.id)
        return expand(assignment, job, self.sandbox, self.gateway, self.config, here)

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
        return Assignment(started.id, job, source, evidence, self.archive.known())

    def evidence(self, tree: Tree, agent: str, task: str) -> Evidence | None:
        """How `agent`, or its nearest ancestor that tried, failed `task`."""
        for one in reversed(tree.agents[agent].lineage()):
            if one.results.get(task) is False:
                folder = self.archive.folder(one.jobs[task])
                attempt = load(folder / "attempt.json", Attempt)
                patch = readable(attempt.patch) if attempt else ""
                if attempt is not None and attempt.job:
                    folder = self.archive.folder(attempt.job)  # where it was made, if it was graded by a later job
                try:
                    statement = self.benchmark.task(task).statement
                except KeyError:
                    return None  # the benchmark was changed since, which --amend allows
                return Evidence(task, statement, read_transcript(folder), patch)
        return None

    def allowance(self, job: Job) -> float:
        """Seconds after which a job is surely stuck: all its stages at their limits, retries and waits included."""
        limits = self.config
        if isinstance(job, Evaluate):
            attempt = self.benchmark.task(job.task).seconds or limits.attempt.seconds
            return attempt + (limits.grading.seconds + LONGEST_WAIT + 30.0) * GRADING_TRIES + 60.0
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
        """Whether an attempt or a draft was kept, so that only the free part of the job is left."""
        tree = self.archive.tree
        started = tree.running.get(job)
        if started is not None and isinstance(started.job, Evaluate) and started.job.task not in tree.tasks:
            return False  # the benchmark was changed since
        folder: Path = self.archive.folder(job)
        return (folder / "attempt.json").exists() or load(folder / "draft.json", Draft) is not None

    def affordable(self, tree: Tree) -> bool:
        """Whether the run's cap holds even if every running job and one more cost all that a job may."""
        if self.gateway.free:
            return True
        caps = self.config.caps
        # Once nothing is running, the gateway's books may hold more than the tree: calls of workers that were given up.
        booked = tree.spent.usd if tree.running else max(tree.spent.usd, self.gateway.usd)
        worst = booked + (len(tree.running) + 1) * caps.usd_per_job
        return worst <= caps.usd_per_run


def readable(patch: Patch) -> str:
    """A patch as text for people and prompts: the new content of each file."""
    parts = [f"--- {path}\n{cut(file.data.decode(errors='replace'), 8_000)}" for path, file in patch.changed.items()]
    parts += [f"--- {path}: deleted" for path in patch.deleted]
    return "\n".join(parts) or "(nothing was changed)"
