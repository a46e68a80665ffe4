"""Evaluate: an agent attempts a task in one sandbox; its patch is graded in another, which it has never touched.

Invariant: what was paid for is on disk before it is graded, so that no crash and no outage makes anyone pay twice.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from threading import Event

import msgspec

from dgm import agent
from dgm.config import Config
from dgm.files import pack, unpack
from dgm.gateway import Gateway
from dgm.jobs import Assignment, Evaluate, Failure, JobId, Outcome, Usage, Verdict
from dgm.protocols import Benchmark, Cancelled, Grade, Patch, Sandbox, SandboxFault, Task
from dgm.store import load, save

GRADING_TRIES = 5
LONGEST_WAIT = 120.0
"""Seconds between two tries, at most."""


class Attempt(msgspec.Struct, frozen=True):
    """What an agent left behind: a patch, kept as a tar and a list, with all that a sceptic asks for."""

    changed: bytes
    deleted: tuple[str, ...]
    ended: str
    exit: int | None
    refused: tuple[str, ...]
    seconds: float
    remarks: tuple[str, ...] = ()
    """What was unusual about its way to the model."""
    job: JobId = 0
    """The job in whose folder the transcript is."""

    @property
    def patch(self) -> Patch:
        return Patch(unpack(self.changed), self.deleted)

    def flags(self) -> Iterator[str]:
        """What was unusual about how the agent worked and ended."""
        yield from self.remarks
        if self.ended != "exited":
            yield f"agent ended: {self.ended}"
        elif self.exit:
            yield f"agent ended: signal {-self.exit}" if self.exit < 0 else f"agent ended: exit code {self.exit}"
        if self.refused:
            yield "not taken: " + "; ".join(self.refused[:5])


def evaluate(
    assignment: Assignment,
    job: Evaluate,
    benchmark: Benchmark,
    sandbox: Sandbox,
    gateway: Gateway,
    config: Config,
    folder: Callable[[JobId], Path],
    cancelled: Event,
) -> Outcome:
    """One verdict. Raises `SandboxFault` where the environment failed; that is no verdict."""
    here = folder(assignment.id)
    task = benchmark.task(job.task)
    attempt = load(here / "attempt.json", Attempt)
    if attempt is None and assignment.earlier is not None:
        attempt = load(folder(assignment.earlier) / "attempt.json", Attempt)
    if attempt is None:
        made = attempted(assignment, task, sandbox, gateway, config, here)
        if isinstance(made, Failure):
            return made
        attempt = made
    # Where the disk refuses this, the attempt can still be graded: only a second grading would have to be paid for.
    with suppress(OSError):
        save(here / "attempt.json", attempt)
    try:
        grade = graded(benchmark, task, attempt.patch, sandbox, assignment.id, cancelled)
    except Cancelled as reason:
        return Failure("interrupted", str(reason))
    with suppress(OSError):
        save(here / "grade.json", grade)
    return Verdict(grade.solved, Usage(seconds=attempt.seconds), (*attempt.flags(), *grade.flags))


def attempted(
    assignment: Assignment, task: Task, sandbox: Sandbox, gateway: Gateway, config: Config, here: Path
) -> Attempt | Failure:
    """Let the agent work on `task`. A failure if the model or the run, rather than the agent, ended it."""
    limits = config.attempt
    if task.seconds is not None:
        limits = msgspec.structs.replace(limits, seconds=task.seconds)
    worked = agent.put_to_work(assignment, task, "solve", limits, sandbox, gateway, here)
    if isinstance(worked, Failure):
        return worked
    ran, remarks = worked
    patch = agent.patch(ran, task.workspace)
    changed = pack(patch.changed)
    return Attempt(changed, patch.deleted, ran.ended, ran.exit, ran.refused, ran.seconds, remarks, assignment.id)


def graded(benchmark: Benchmark, task: Task, patch: Patch, sandbox: Sandbox, job: JobId, cancelled: Event) -> Grade:
    """Grade a patch that was paid for: where the environment fails, wait and try again before giving up.

    Raises `SandboxFault`; `Cancelled` where there was no more waiting because all jobs were cancelled.
    """
    if not patch:
        return Grade(False, "The agent changed nothing, so there is nothing to grade.", ("empty patch",))
    from tenacity import Retrying, retry_if_exception, sleep_using_event, stop_after_attempt, wait_exponential

    def mendable(error: BaseException) -> bool:
        return isinstance(error, SandboxFault) and not isinstance(error, Cancelled)

    def grade() -> Grade:
        if cancelled.is_set():
            raise Cancelled("the job was cancelled before its grading")
        return benchmark.grade(task.id, patch, sandbox, job)

    return Retrying(
        retry=retry_if_exception(mendable),
        wait=wait_exponential(multiplier=2, max=LONGEST_WAIT),
        stop=stop_after_attempt(GRADING_TRIES),
        sleep=sleep_using_event(cancelled),
        reraise=True,
    )(grade)
