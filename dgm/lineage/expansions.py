"""Every expansion of a run, those that failed too: the tree keeps of these only how many failed in a row.

Invariant: a fold of the log beside the tree's; an expansion is there from its start on.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from msgspec import Struct

from dgm.events import AgentBorn, AnyEvent, JobFailed, JobStarted
from dgm.jobs import AgentId, Expand, JobId, TaskId, Usage


class Expansion(Struct, gc=False):
    """`study`: the failed task it began with; `author`: who rewrote `parent`, if not itself; `child` and `cause`: how
    it ended, neither while it runs."""

    job: JobId
    parent: AgentId
    study: TaskId | None
    author: AgentId | None
    started: float
    child: AgentId | None = None
    cause: str = ""
    reason: str = ""
    usage: Usage = Usage()


class Expansions:
    """Call it with each event of a log, in order."""

    def __init__(self, events: Iterable[AnyEvent] = ()) -> None:
        self._all: dict[JobId, Expansion] = {}
        self._failed: Counter[AgentId] = Counter()
        for event in events:
            self(event)

    def __call__(self, event: AnyEvent) -> None:
        kind = type(event)
        if kind is JobStarted:
            assert isinstance(event, JobStarted)
            job = event.job
            if isinstance(job, Expand):
                self._all[event.id] = Expansion(event.id, job.agent, job.study, job.author, event.at)
        elif isinstance(event, AgentBorn) and event.job is not None:
            if (found := self._all.get(event.job)) is not None:
                found.child, found.usage = event.agent, event.usage
        elif isinstance(event, JobFailed) and (found := self._all.get(event.job)) is not None:
            found.cause, found.reason, found.usage = event.cause, event.reason, event.usage
            if event.cause != "interrupted":
                self._failed[found.parent] += 1

    @property
    def all(self) -> Mapping[JobId, Expansion]:
        """In the order in which they started."""
        return MappingProxyType(self._all)

    def failed(self, agent: AgentId) -> int:
        """Expansions of `agent` that ended without a child, but for those that were interrupted."""
        return self._failed.get(agent, 0)

    def of(self, job: JobId | None) -> Expansion | None:
        return self._all.get(job) if job is not None else None
