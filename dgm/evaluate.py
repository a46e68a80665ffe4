"""Evaluate: an agent attempts a task in one sandbox; its patch is graded in another, which it has never touched.

Invariant: what was paid for is on disk before it is graded, so that no crash and no outage makes anyone pay twice.
"""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import Event
from time import monotonic

import msgspec

from dgm import __version__, agent
from dgm.agent import Means
from dgm.attempt import Attempt, again, attempt_of, luggage
from dgm.files import digest
from dgm.jobs import Assignment, Evaluate, Failure, JobId, Outcome, Usage, Verdict
from dgm.ledger import CACHED
from dgm.ledger import NAME as CALLS
from dgm.protocols import Cancelled, Grade, Patch, SandboxFault, Task
from dgm.results import key_of
from dgm.store import load, save

GRADING_TRIES = 5
LONGEST_WAIT = 120.0
"""Seconds between two tries, at most."""
EMPTY = Grade(False, "The agent changed nothing, so there is nothing to grade.", ("empty patch",))
FILES = ("attempt.json", "grade.json", "output.txt")
"""What is kept for other runs, beside the transcript."""


def evaluate(
    assignment: Assignment, job: Evaluate, means: Means, folder: Callable[[JobId], Path], cancelled: Event
) -> Outcome:
    """One verdict. Raises `SandboxFault` where the environment failed; that is no verdict."""
    here = folder(assignment.id)
    task = means.benchmark.task(job.task)
    key = outcome_key(assignment, task, means)
    attempt = load(here / "attempt.json", Attempt)
    if attempt is None and assignment.earlier is not None:
        attempt = load(folder(assignment.earlier) / "attempt.json", Attempt)
        if attempt is not None:  # should this job fail as well, the next one looks here alone
            with suppress(OSError):
                save(here / "attempt.json", attempt)
    if attempt is None and (verdict := remembered(assignment, task, means, key, here)) is not None:
        return verdict
    while True:
        if attempt is None or (attempt.grade is not None and len(attempt.tries()) < task.tries):
            made = attempted(assignment, task, means, here, attempt, key)
            if isinstance(made, Failure):
                return made
            attempt = made
        # Where the disk refuses this, the attempt can still be graded: only a second grading would have to be paid for.
        with suppress(OSError):
            save(here / "attempt.json", attempt)
        try:
            grade = graded(means, task, attempt.patch, assignment.id, cancelled)
        except Cancelled as reason:
            return Failure("interrupted", str(reason))
        with suppress(OSError):
            save(here / "grade.json", grade)
        if grade.solved or len(attempt.tries()) >= task.tries:
            break
        attempt = msgspec.structs.replace(attempt, grade=grade)
        save(here / "attempt.json", attempt)  # or else the next try is not paid for
    remember(attempt, means, key, folder, assignment.id)
    return verdict_of(attempt, grade, task)


def verdict_of(attempt: Attempt, grade: Grade, task: Task) -> Verdict:
    seconds = 0.0 if attempt.cached else sum(one.seconds for one in attempt.tries())
    return Verdict(grade.solved, Usage(seconds=seconds), (*attempt.flags(task.tries), *grade.flags))


def attempted(
    assignment: Assignment, task: Task, means: Means, here: Path, before: Attempt | None, key: str
) -> Attempt | Failure:
    """Let the agent work on `task`, after what it did `before`. A failure if the model or the run ended it."""
    limits = means.config.attempt
    if task.seconds is not None:
        limits = msgspec.structs.replace(limits, seconds=task.seconds)
    given = task if before is None or before.grade is None else again(task, before, before.grade.report)
    worked = agent.put_to_work(assignment, given, "solve", limits, means, here, luggage(task, before))
    if isinstance(worked, Failure):
        return worked
    ran, remarks = worked
    return attempt_of(task, ran, agent.patch(ran, task.workspace), remarks, assignment.id, before, key)


def graded(means: Means, task: Task, patch: Patch, job: JobId, cancelled: Event) -> Grade:
    """Grade a patch that was paid for: where the environment fails, wait and try again before giving up.

    Raises `SandboxFault`; `Cancelled` where there was no more waiting because all jobs were cancelled.
    """
    from tenacity import Retrying, retry_if_exception, sleep_using_event, stop_after_attempt, wait_exponential

    def mendable(error: BaseException) -> bool:
        return isinstance(error, SandboxFault) and not isinstance(error, Cancelled)

    def grade() -> Grade:
        if cancelled.is_set():
            raise Cancelled("the job was cancelled before its grading")
        began = monotonic()
        found = means.benchmark.grade(task.id, patch, means.sandbox, job) if patch else EMPTY
        return on_record(found, means, task, monotonic() - began)

    return Retrying(
        retry=retry_if_exception(mendable),
        wait=wait_exponential(multiplier=2, max=LONGEST_WAIT),
        stop=stop_after_attempt(GRADING_TRIES),
        sleep=sleep_using_event(cancelled),
        reraise=True,
    )(grade)


def on_record(grade: Grade, means: Means, task: Task, seconds: float) -> Grade:
    """`grade` with what its benchmark has not said of where, how long and with what it was made."""
    ours = {
        "dgm": __version__,
        "sandbox": means.sandbox.name,
        "benchmark": means.benchmark.version,
        "task": means.benchmark.fingerprint(task.id),
    }
    return msgspec.structs.replace(
        grade,
        image=grade.image or means.sandbox.identity(task.image),
        seconds=round(grade.seconds or seconds, 3),
        versions={**ours, **grade.versions},
    )


# ---------------------------------------------------------------- what other runs have paid for


def outcome_key(assignment: Assignment, task: Task, means: Means) -> str:
    """A digest of all that an outcome depends on; empty where none is kept."""
    if means.results is None:
        return ""
    config = means.config
    model = msgspec.structs.replace(config.model("solve"), api_key_env="", record="")
    return key_of(
        [
            *(agent.CONTRACT, digest(assignment.source), config.run.repeat),
            *(task.id, task.tries, means.benchmark.fingerprint(task.id), means.sandbox.identity(task.image)),
            *(means.sandbox.name, config.sandbox.python, config.sandbox.runtime, config.attempt, config.grading),
            *(model, config.caps.usd_per_call, config.caps.usd_per_job, config.caps.calls_per_job),
        ]
    )


def remembered(assignment: Assignment, task: Task, means: Means, key: str, here: Path) -> Verdict | None:
    """The verdict that this or another run paid for earlier, its files put in place; None if there is none."""
    kept = means.results.get(key) if means.results is not None else None
    if kept is None:
        return None
    try:
        attempt = msgspec.json.decode(kept.files["attempt.json"], type=Attempt)
        grade = msgspec.json.decode(kept.files["grade.json"], type=Grade)
    except (KeyError, msgspec.DecodeError):
        return None
    attempt = attempt.elsewhere(assignment.id, kept.words)
    with suppress(OSError):  # for people, and as evidence
        (here / CACHED).mkdir(parents=True, exist_ok=True)
        (here / CACHED / CALLS).write_bytes(kept.files.get(CALLS, b""))
        (here / "output.txt").write_bytes(kept.files.get("output.txt", b""))
        save(here / "grade.json", grade)
        save(here / "attempt.json", attempt)
    return verdict_of(attempt, grade, task)


def remember(attempt: Attempt, means: Means, key: str, folder: Callable[[JobId], Path], job: JobId) -> None:
    """Keep the files of a verdict for other runs, unless it was made under other settings or is kept already."""
    if means.results is None or attempt.cached or any(one.key != key for one in attempt.tries()):
        return
    with suppress(OSError):  # it would only be paid for again
        files = {name: (folder(job) / name).read_bytes() for name in FILES if (folder(job) / name).exists()}
        calls = [folder(one) / CALLS for one in attempt.jobs()]
        files[CALLS] = b"".join(path.read_bytes() for path in calls if path.exists())
        means.results.put(key, files, job)
