"""A run's record without a disk: the tree alone.

Invariant: it folds the very events that an archive would have written.
"""

from collections.abc import Callable, Sequence
from typing import Any

from dgm.events import AgentBorn, AnyEvent, JobFailed, JobStarted, RunConfigured, RunPaused, TaskScored
from dgm.jobs import AgentId, Failure, Job, JobId, Outcome, Rewrite, TaskId, Verdict
from dgm.tree import Tree

NAME = "name"
"""The file of a simulated agent's source that says which agent it is."""


class Memory:
    """`machine.Record`. `config`: the run's, as tables; `keep`: whether the events are kept, in `events`."""

    def __init__(
        self,
        seed: AgentId,
        tasks: Sequence[TaskId],
        clock: Callable[[], float],
        config: dict[str, Any] | None = None,
        keep: bool = False,
    ) -> None:
        self.tree = Tree()
        self.events: list[AnyEvent] | None = [] if keep else None
        self._clock = clock
        self._record(RunConfigured(clock(), "", config or {}, tuple(tasks), ""))
        self._record(AgentBorn(clock(), seed, seed))

    def start(self, job: Job) -> JobStarted:
        event = JobStarted(self._clock(), self.tree.next_job, job)
        self._record(event)
        return event

    def finish(self, job: JobId, outcome: Outcome) -> None:
        at = self._clock()
        match outcome:
            case Verdict(solved, usage, flags):
                self._record(TaskScored(at, job, solved, usage, flags))
            case Rewrite(source, summary, usage):
                child = source[NAME].data.decode()
                self._record(AgentBorn(at, child, child, self.tree.running[job].job.agent, job, summary, usage))
            case Failure(cause, reason, usage):
                self._record(JobFailed(at, job, cause, reason, usage))

    def pause(self, reason: str, seconds: float) -> None:
        self._record(RunPaused(self._clock(), reason, seconds))

    def _record(self, event: AnyEvent) -> None:
        self.tree.apply(event)
        if self.events is not None:
            self.events.append(event)
