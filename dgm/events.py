"""What happened in a run: immutable facts, appended once, never edited. `dgm.tree` folds them.

Invariant: an event is encoded as one line of JSON with neither absolute paths nor secrets, and every line ever
written by a released version can be decoded by all later ones (`tests/golden`).
"""

from typing import Any

import msgspec
from msgspec import Struct

from dgm.jobs import AgentId, Cause, Job, JobId, TaskId, Usage


class Event(Struct, frozen=True, tag_field="event", omit_defaults=True, gc=False):
    """`at`: seconds since 1970, UTC."""

    at: float


class RunConfigured(Event, frozen=True, tag="run_configured"):
    """The settings from here on. The first event of every log, and again wherever a run was amended."""

    version: str
    config: dict[str, Any]
    tasks: tuple[TaskId, ...]
    benchmark: str
    """The benchmark's version: a digest of all that a score depends on."""
    images: dict[str, str] = {}
    """What the names of images mean in this run: name to `Sandbox.identity`; the default image's name is empty."""
    quarantined: dict[TaskId, str] = {}
    """Tasks that were left out of `tasks` since they cannot be trusted on this machine, with the reason."""
    held_out: tuple[TaskId, ...] = ()
    """Tasks that no job of the run ever touches: for a fair look at its agents afterwards."""


class JobStarted(Event, frozen=True, tag="job_started"):
    """Written before any money is spent on the job."""

    id: JobId
    job: Job


class AgentBorn(Event, frozen=True, tag="agent_born"):
    """`agent` joined the tree. A seed has neither parent nor job."""

    agent: AgentId
    digest: str
    """The git tree hash of its source."""
    parent: AgentId | None = None
    job: JobId | None = None
    summary: str = ""
    usage: Usage = Usage()


class TaskScored(Event, frozen=True, tag="task_scored"):
    """The agent and the task stand in the `JobStarted` of the same job."""

    job: JobId
    solved: bool
    usage: Usage = Usage()
    flags: tuple[str, ...] = ()


class JobFailed(Event, frozen=True, tag="job_failed"):
    """The job ended with nothing to count: not a score, and not a child."""

    job: JobId
    cause: Cause
    reason: str
    usage: Usage = Usage()


class RunPaused(Event, frozen=True, tag="run_paused"):
    """No new jobs for `seconds`, because the environment keeps failing."""

    reason: str
    seconds: float


class RunEnded(Event, frozen=True, tag="run_ended"):
    """The driver stopped in good order; `code` is its exit code."""

    code: int
    reason: str


AnyEvent = RunConfigured | JobStarted | AgentBorn | TaskScored | JobFailed | RunPaused | RunEnded

encode = msgspec.json.Encoder().encode
decode = msgspec.json.Decoder(AnyEvent).decode
"""Raises `msgspec.DecodeError` for what is not an event."""
