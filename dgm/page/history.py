"""All of a run's log in one pass: the tree, the jobs of each agent, and how things stood on the way.

Invariant: a function of the log alone.
"""

from collections.abc import Iterator
from heapq import heappop, heappush
from pathlib import Path

from msgspec import Struct

from dgm import belief
from dgm.archive import fold, log_of
from dgm.clade import Agent
from dgm.events import AgentBorn, AnyEvent, JobFailed, JobStarted, TaskScored
from dgm.jobs import Expand, JobId, Usage
from dgm.log import LogReader
from dgm.report import JobRow, ended
from dgm.tree import Tree

POINTS = 500
"""On a curve, besides those at which another agent took the lead."""


class Point(Struct, frozen=True, gc=False):
    """How things stood after a job. `leader`: the index of the agent with the highest belief (-1: none has solved
    anything), with its tally; `seed_*`: the first seed's tally; the usages are those of the jobs that gave scores, of
    the expansions, and of what failed besides."""

    at: float
    evaluations: int
    solved: int
    leader: int
    leader_solved: int
    leader_failed: int
    seed_solved: int
    seed_failed: int
    evaluating: Usage
    expanding: Usage
    in_vain: Usage


class Leading:
    """Who has the highest belief, kept up as scores come in: O(log agents) each."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, int, int, Agent]] = []

    def scored(self, agent: Agent, epsilon: float) -> None:
        if agent.solved:
            value = -belief.quantile(agent.solved, agent.failed, epsilon)
            heappush(self._heap, (value, agent.index, agent.solved, agent.failed, agent))

    def leader(self) -> Agent | None:
        heap = self._heap
        while heap and (heap[0][2], heap[0][3]) != (heap[0][4].solved, heap[0][4].failed):
            heappop(heap)  # it has met another task since
        return heap[0][4] if heap else None


class History:
    """`jobs`: those about each agent, by its index, in the order in which they ended (the running ones last);
    `stillborn`: the jobs of the children that failed, in that order."""

    def __init__(self, folder: Path) -> None:
        """Raises `NoArchive`, `Damaged`."""
        self.tree = Tree()
        self.jobs: list[list[JobRow]] = []
        self.stillborn: list[tuple[int, JobRow]] = []
        """With the index of the parent."""
        self.makers: dict[JobId, JobRow] = {}
        """The jobs that children were born in."""
        self.points: list[Point] = []
        self._begun: dict[JobId, JobStarted] = {}
        self._leading = Leading()
        self._all: list[Point] = []
        self._evaluating = self._expanding = self._in_vain = Usage()
        fold(LogReader(log_of(folder)), self.tree, self._tell)
        for started in self._begun.values():
            self._about(started).append(ended(started, None))
        self.points = list(self._thinned())

    def _about(self, started: JobStarted) -> list[JobRow]:
        return self.jobs[self.tree.agents[started.job.agent].index]

    def _tell(self, event: AnyEvent) -> None:
        if isinstance(event, JobStarted):
            self._begun[event.id] = event
            return
        if isinstance(event, AgentBorn):
            self.jobs.append([])
        if not isinstance(event, (AgentBorn, TaskScored, JobFailed)) or event.job is None:
            return
        started = self._begun.pop(event.job)
        row = ended(started, event)
        self._about(started).append(row)
        agent = self.tree.agents[started.job.agent]
        if isinstance(event, TaskScored):
            self._evaluating += event.usage
            self._leading.scored(agent, self.tree.epsilon)
        elif isinstance(event, AgentBorn) or event.cause == "stillborn":
            self._expanding += event.usage
        else:
            self._in_vain += event.usage
        if isinstance(event, AgentBorn):
            self.makers[event.job] = row
        elif isinstance(event, JobFailed) and event.cause == "stillborn" and isinstance(started.job, Expand):
            self.stillborn.append((agent.index, row))
        self._all.append(self._point(event.at))

    def _point(self, at: float) -> Point:
        leader, seed = self._leading.leader(), self.tree.agent(0)
        return Point(
            at=at,
            evaluations=self.tree.evaluations,
            solved=self.tree.solved,
            leader=leader.index if leader else -1,
            leader_solved=leader.solved if leader else 0,
            leader_failed=leader.failed if leader else 0,
            seed_solved=seed.solved,
            seed_failed=seed.failed,
            evaluating=self._evaluating,
            expanding=self._expanding,
            in_vain=self._in_vain,
        )

    def _thinned(self) -> Iterator[Point]:
        """Every so many-th point, the last one, and those before and after another agent takes the lead."""
        found, every = self._all, max(len(self._all) // POINTS, 1)
        turns = [n for n in range(1, len(found)) if found[n].leader != found[n - 1].leader]
        kept = {n for turn in turns[-POINTS:] for n in (turn - 1, turn)}
        for n, point in enumerate(found):
            if n % every == 0 or n in kept or n == len(found) - 1:
                yield point
