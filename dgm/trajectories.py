"""The conversations of a run with models, each with what became of it: to look into, or to train a model on elsewhere.

Invariant: nothing of a task that was ever held out leaves; a job is read after it has ended, and one at a time, so that
a run of any size fits into memory.
"""

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from dgm.archive import ARTIFACTS
from dgm.attempt import Attempt
from dgm.config import Role
from dgm.conversations import Conversation, conversations
from dgm.jobs import AgentId, JobId, TaskId, Usage
from dgm.keys import redact
from dgm.report import JobRow
from dgm.store import load

DIAGNOSES = "You diagnose a coding agent"
"""How the first message of a diagnosis begins, where the ledger does not name the role."""


class Origin(Struct, frozen=True, kw_only=True):
    """Where a conversation comes from. `agent`: whose source held it, which in a diagnosis is the one that is spoken
    of; `outcome`: of the job, as `dgm.columns` has it; `child`: what was born of it; `conversation`: its number among
    those of the job, from 1; `usage`: of this conversation; see `dgm.conversations` for the rest."""

    benchmark: str
    job: JobId
    role: Role
    agent: AgentId
    task: TaskId | None
    outcome: str
    solved: bool | None
    child: AgentId | None
    flags: tuple[str, ...]
    model: str
    conversation: int
    messages: int
    shared: int
    altered: int
    complete: bool
    cached: bool
    usage: Usage


class Trajectory(Struct, frozen=True):
    origin: Origin
    conversation: Conversation

    def plain(self, text: bool = True) -> dict[str, Any]:
        """`messages` and `tools` in the chat format, and `metadata`; without `text`, the metadata alone."""
        metadata = msgspec.structs.asdict(self.origin)
        metadata |= {"flags": list(self.origin.flags), "usage": msgspec.structs.asdict(self.origin.usage)}
        said = self.conversation
        spoken = {"messages": [one.plain() for one in said.messages], "tools": said.tools} if text else {}
        return {**spoken, "metadata": metadata}


class Wanted(Struct, frozen=True):
    """What may leave: conversations in one of `roles`, of jobs with one of the `outcomes`; all of them where empty."""

    roles: frozenset[str] = frozenset()
    outcomes: frozenset[str] = frozenset()


def trajectories(
    archive: Path,
    jobs: Mapping[JobId, JobRow],
    benchmark: str,
    held_out: Collection[TaskId],
    wanted: Wanted = Wanted(),
) -> Iterator[Trajectory]:
    """The conversations of the run in `archive`, in the order of its jobs. Raises `OSError`."""
    folder = archive / ARTIFACTS
    verdicts = regraded(folder, jobs)
    for job in jobs.values():
        if job.outcome == "running" or job.task in held_out:
            continue
        ended = verdicts.get(job.id, job)
        if wanted.outcomes and ended.outcome not in wanted.outcomes:
            continue
        diagnosing = job.kind == "expand"
        for number, one in enumerate(conversations(folder / str(job.id)), 1):
            diagnosing = diagnosing and one.messages[0].text.startswith(DIAGNOSES)
            role = role_of(one, job, diagnosing)
            if not wanted.roles or role in wanted.roles:
                yield Trajectory(origin(one, job, ended, role, number, benchmark), one)


def redacted(value: Any, keys: Collection[str]) -> Any:
    """`value`, of JSON, with each of `keys` replaced in all of its texts, but for the names of its fields."""
    if isinstance(value, str):
        return redact(value, keys)
    if isinstance(value, list):
        return [redacted(one, keys) for one in value]
    return {name: redacted(one, keys) for name, one in value.items()} if isinstance(value, dict) else value


def role_of(one: Conversation, job: JobRow, diagnosing: bool) -> Role:
    match one.role:
        case "solve" | "improve" | "diagnose":
            return one.role
        case _ if job.kind == "evaluate":
            return "solve"
        case _:
            return "diagnose" if diagnosing else "improve"


def origin(one: Conversation, job: JobRow, ended: JobRow, role: Role, number: int, benchmark: str) -> Origin:
    return Origin(
        benchmark=benchmark,
        job=job.id,
        role=role,
        agent=job.author or job.agent if role == "improve" else job.agent,
        task=job.task,
        outcome=ended.outcome,
        solved=ended.outcome == "solved" if ended.outcome in ("solved", "unsolved") else None,
        child=ended.child,
        flags=ended.flags,
        model=one.model,
        conversation=number,
        messages=len(one.messages),
        shared=one.shared,
        altered=one.altered,
        complete=one.complete,
        cached=one.cached,
        usage=one.usage,
    )


def regraded(folder: Path, jobs: Mapping[JobId, JobRow]) -> dict[JobId, JobRow]:
    """The evaluations that failed for no fault of their agent, but whose attempt was kept and scored by a later job:
    each with that job."""
    failed: dict[tuple[AgentId, TaskId | None], list[JobId]] = {}
    found: dict[JobId, JobRow] = {}
    for job in jobs.values():
        if job.kind != "evaluate":
            continue
        if job.outcome not in ("solved", "unsolved"):
            failed.setdefault((job.agent, job.task), []).append(job.id)
        elif before := failed.get((job.agent, job.task)):
            attempt = load(folder / str(job.id) / "attempt.json", Attempt)
            found |= {id: job for id in before if attempt is not None and id in attempt.jobs()}
    return found
