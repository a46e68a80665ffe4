"""What crosses between the driver and its workers: an assignment goes out, an outcome comes back.

Invariant: values only. Outcomes are returned, never raised, so that they carry usage and cross process borders.
"""

from typing import Literal

from msgspec import Struct

from dgm.files import Files

AgentId = str
"""The git commit that holds the agent's source, 40 hexadecimal digits."""
TaskId = str
"""`<benchmark>/<instance>`."""
JobId = int
"""Jobs of a run are numbered from 1 in the order in which they were started."""


class Usage(Struct, frozen=True, omit_defaults=True, gc=False):
    """What a job cost, as measured by the gateway and the clock, never as reported by an agent."""

    usd: float = 0.0
    calls: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    seconds: float = 0.0

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            self.usd + other.usd,
            self.calls + other.calls,
            self.tokens_in + other.tokens_in,
            self.tokens_out + other.tokens_out,
            self.seconds + other.seconds,
        )


class Expand(Struct, frozen=True, tag="expand", tag_field="kind", omit_defaults=True, gc=False):
    """Let `agent` write a child of itself, with its failure on the task `study` as evidence, if it has failed any."""

    agent: AgentId
    study: TaskId | None = None
    author: AgentId | None = None
    """Who rewrites `agent` instead, for experiments in which agents do not improve themselves."""

    @property
    def task(self) -> TaskId | None:
        return self.study


class Evaluate(Struct, frozen=True, tag="evaluate", tag_field="kind", gc=False):
    """Let `agent` attempt `task`."""

    agent: AgentId
    task: TaskId


Job = Expand | Evaluate

Cause = Literal["stillborn", "infra", "provider", "lost", "interrupted"]
"""Why a job ended with nothing to count. Whose fault it was decides what happens next:

stillborn    the child is empty, unsafe, unchanged, known or fails its smoke test; the parent is charged
infra        the sandbox, the image or the disk failed; the job may be tried again, a limited number of times
provider     the model could not be reached; the run pauses, the job is not charged
lost         the worker vanished or outlived its deadline; as infra
interrupted  the driver stopped, or a cap of the run was reached, while the job ran; not charged
"""


class Evidence(Struct, frozen=True):
    """What an expansion may learn from: one task that the parent failed. Never hidden tests or references."""

    task: TaskId
    statement: str
    transcript: str
    patch: str


class Assignment(Struct, frozen=True):
    """One job with all that a worker needs to do it."""

    id: JobId
    job: Job
    source: Files
    evidence: Evidence | None = None
    known: frozenset[str] = frozenset()
    """For an expansion: the digests of all sources in the archive; a child that equals one of them is refused."""
    author: Files | None = None
    """For an expansion by another agent: that one's source."""
    earlier: JobId | None = None
    """For an evaluation: a failed job of the same agent on the same task, whose attempt was kept and need not be
    paid for again."""


class Rewrite(Struct, frozen=True):
    """A child's source, as its parent wrote it: checked for safety and alive, but untrusted."""

    source: Files
    summary: str
    usage: Usage = Usage()


class Verdict(Struct, frozen=True):
    """How an attempt at a task was graded. `flags` name what a sceptic should look at."""

    solved: bool
    usage: Usage = Usage()
    flags: tuple[str, ...] = ()


class Failure(Struct, frozen=True):
    """A job that ended with nothing to count. Never a score."""

    cause: Cause
    reason: str
    usage: Usage = Usage()


Outcome = Rewrite | Verdict | Failure
