"""An agent as the log tells of it, and how a result reaches every clade that it is in.

Invariant: a clade's counts are the sums over its members whenever somebody looks at them. Only `dgm.tree` changes any.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from types import MappingProxyType

from dgm.events import AgentBorn
from dgm.jobs import AgentId, JobId, TaskId, Usage


class Agent:
    """One agent: its own results, and the counts of its clade (itself and all of its descendants). Read-only."""

    __slots__ = (
        "_children",
        "_clade_failed",
        "_clade_solved",
        "_clades",
        "_evaluating",
        "_jobs",
        "_missed",
        "_misses",
        "_results",
        "_studied",
        "barren",
        "born",
        "depth",
        "digest",
        "expanding",
        "failed",
        "id",
        "index",
        "job",
        "parent",
        "solved",
        "summary",
        "usage",
    )

    def __init__(self, clades: "Clades", event: AgentBorn, parent: "Agent | None", index: int) -> None:
        self._clades = clades
        self.id: AgentId = event.agent
        self.digest = event.digest
        self.parent = parent
        self.index = index
        self.depth: int = parent.depth + 1 if parent else 0
        self.born = event.at
        self.job = event.job
        self.summary = event.summary
        self.solved = self.failed = self._clade_solved = self._clade_failed = 0
        self.usage = Usage()
        """All that this agent caused: its evaluations and the expansions of it."""
        self.expanding = 0
        self.barren = 0
        """Failed expansions in a row."""
        self._results: dict[TaskId, bool] = {}
        self._jobs: dict[TaskId, JobId] = {}
        self._evaluating: set[TaskId] = set()
        self._misses: dict[TaskId, int] = {}
        self._missed: dict[TaskId, JobId] = {}
        self._children: list[Agent] = []
        self._studied: dict[TaskId, int] = {}

    @property
    def clade_solved(self) -> int:
        self._clades.settle()
        return self._clade_solved

    @property
    def clade_failed(self) -> int:
        self._clades.settle()
        return self._clade_failed

    @property
    def results(self) -> Mapping[TaskId, bool]:
        """Task to whether it was solved, in the order in which the scores came in."""
        return MappingProxyType(self._results)

    @property
    def jobs(self) -> Mapping[TaskId, JobId]:
        """Task to the job that scored it: where its transcript and report are kept."""
        return MappingProxyType(self._jobs)

    @property
    def misses(self) -> Mapping[TaskId, int]:
        """Task to how often its evaluation failed for reasons that are not the agent's."""
        return MappingProxyType(self._misses)

    @property
    def missed(self) -> Mapping[TaskId, JobId]:
        """Task to the last job that failed on it, where nothing has been scored since."""
        return MappingProxyType(self._missed)

    @property
    def evaluating(self) -> frozenset[TaskId]:
        """Tasks that it is being evaluated on."""
        return frozenset(self._evaluating)

    @property
    def studied(self) -> Mapping[TaskId, int]:
        """Task to how often an expansion of this agent began with a failure on it as evidence."""
        return MappingProxyType(self._studied)

    @property
    def children(self) -> tuple["Agent", ...]:
        return tuple(self._children)

    @property
    def evaluations(self) -> int:
        return self.solved + self.failed

    @property
    def rate(self) -> float | None:
        """Solved per evaluation; None before the first."""
        return self.solved / self.evaluations if self.evaluations else None

    def lineage(self) -> list["Agent"]:
        """From the seed down to this agent."""
        return list(self.upwards())[::-1]

    def upwards(self) -> Iterator["Agent"]:
        """From this agent up to its seed."""
        agent: Agent | None = self
        while agent is not None:
            yield agent
            agent = agent.parent


class Clades:
    """The results that the clades have not been told of yet; many at once cost less than one by one."""

    __slots__ = ("_order", "failers", "solvers")

    def __init__(self, order: list[Agent]) -> None:
        """order: all agents, in order of birth; it may grow."""
        self._order = order
        self.solvers: list[int] = []
        self.failers: list[int] = []
        """The agents of the results, by index, one entry a result."""

    def settle(self) -> None:
        """Add the new results to all clades that they are in: O(depth) each, or one sweep where there are many."""
        if not self.solvers and not self.failers:
            return
        solvers, failers, self.solvers, self.failers = self.solvers, self.failers, [], []
        if (len(solvers) + len(failers)) * 8 > len(self._order):
            self._sweep(solvers, failers)
            return
        for index in solvers:
            for agent in self._order[index].upwards():
                agent._clade_solved += 1
        for index in failers:
            for agent in self._order[index].upwards():
                agent._clade_failed += 1

    def _sweep(self, solvers: list[int], failers: list[int]) -> None:
        """From the youngest agent up, hand what was added to each clade on to the parent's."""
        solved, failed = Counter(solvers), Counter(failers)
        for agent in reversed(self._order):
            agent._clade_solved += solved[agent.index]
            agent._clade_failed += failed[agent.index]
            if agent.parent is not None:
                solved[agent.parent.index] += solved[agent.index]
                failed[agent.parent.index] += failed[agent.index]
