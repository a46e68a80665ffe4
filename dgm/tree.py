"""The archive as a value: a tree of agents, folded from the event log. All that a policy may look at.

Invariant: only `Tree.apply` changes a tree, and equal logs give equal trees. Reading never changes anything.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

from dgm import belief
from dgm.config import PolicyConfig
from dgm.events import AgentBorn, AnyEvent, JobFailed, JobStarted, RunConfigured, RunEnded, RunPaused, TaskScored
from dgm.jobs import AgentId, Evaluate, Expand, JobId, TaskId, Usage
from dgm.pool import Pool

CHARGED = ("stillborn", "infra", "lost")
"""The causes that count at once against an agent's or a task's patience."""


class Agent:
    """One agent: its own results, and the counts of its clade (itself and all of its descendants). Read-only."""

    __slots__ = (
        "_children",
        "_clade_failed",
        "_clade_solved",
        "_evaluating",
        "_jobs",
        "_missed",
        "_misses",
        "_results",
        "_studied",
        "_tree",
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

    def __init__(self, tree: "Tree", event: AgentBorn, parent: "Agent | None", index: int) -> None:
        self._tree = tree
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
        self._studied: Counter[TaskId] = Counter()

    @property
    def clade_solved(self) -> int:
        self._tree._sum_clades()
        return self._clade_solved

    @property
    def clade_failed(self) -> int:
        self._tree._sum_clades()
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
        return list(self._up())[::-1]

    def _up(self) -> Iterator["Agent"]:
        agent: Agent | None = self
        while agent is not None:
            yield agent
            agent = agent.parent


class Tree:
    """A fold of the log. A record costs O(depth), a choice costs by the number of distinct tallies."""

    def __init__(self, events: Iterable[AnyEvent] = ()) -> None:
        self.length = 0
        """Events folded so far; it also picks the policy's random stream."""
        self.config: dict[str, Any] = {}
        self.tasks: tuple[TaskId, ...] = ()
        self.held_out: tuple[TaskId, ...] = ()
        """Tasks that no job ever touches."""
        self.benchmark = ""
        self.patience = PolicyConfig().patience
        self._usd_per_job, self._usd_per_agent = 0.0, float("inf")
        self.epsilon = PolicyConfig().epsilon
        self.next_job: JobId = 1
        self.evaluations = 0
        self.solved = 0
        self.expanding = 0
        self.stillborn = 0
        self.failed_in_a_row: Counter[str] = Counter()
        """By cause: jobs that ended so, since one last ended well."""
        self.failures: Counter[str] = Counter()
        self.last_failure = ""
        self.spent = Usage()
        self.began = self.last = 0.0
        """Times of the first and of the last event."""
        self.ended: RunEnded | None = None
        self.paused: RunPaused | None = None
        self._order: list[Agent] = []
        self._seeds: list[Agent] = []
        self._agents: dict[AgentId, Agent] = {}
        self._running: dict[JobId, JobStarted] = {}
        self._expandable = Pool()
        self._evaluable = Pool()
        self._suspects: set[tuple[Agent, TaskId | None]] = set()
        """Agents, with their task if they had one, whose jobs the provider failed since a job last ended well."""
        self._solvers: list[int] = []
        self._failers: list[int] = []
        """The agents of results that the clades have not been told of yet, one entry a result."""
        self._stale: set[int] = set()
        """Agents that changed since the evaluable ones were last looked at."""
        self._stale_clades: set[int] = set()
        """Agents that changed since the expandable ones were last looked at."""
        self._watched = False
        """Whether anybody has looked at the pools yet; until then all agents are stale, and none is noted."""
        for event in events:
            self.apply(event)

    # ------------------------------------------------------------ reading

    @property
    def agents(self) -> Mapping[AgentId, Agent]:
        """In order of birth, so parents precede their children."""
        return MappingProxyType(self._agents)

    @property
    def running(self) -> Mapping[JobId, JobStarted]:
        return MappingProxyType(self._running)

    @property
    def seeds(self) -> tuple[Agent, ...]:
        """The agents without a parent, in the order in which they joined."""
        return tuple(self._seeds)

    def agent(self, index: int) -> Agent:
        """The agent that was born as number `index`, from 0."""
        return self._order[index]

    @property
    def expandable(self) -> Pool:
        """The agents that may be expanded and can afford it, under the tallies of their clades."""
        self._settle_clades()
        return self._expandable

    @property
    def evaluable(self) -> Pool:
        """The agents that have an untried task and can afford it, under their own tallies."""
        self._settle()
        return self._evaluable

    def untried(self, agent: Agent) -> list[TaskId]:
        """Tasks without a score, not under way, and not given up."""
        return list(self._untried(agent))

    def capped(self, agent: Agent) -> bool:
        """Whether one more job of `agent` may pass its cap, if that and those under way cost all that a job may.

        As long as a run has cost nothing, its jobs are taken to be free.
        """
        jobs = len(agent._evaluating) + agent.expanding + 1
        return self.spent.usd > 0 and agent.usage.usd + jobs * self._usd_per_job > self._usd_per_agent

    def _untried(self, agent: Agent) -> Iterator[TaskId]:
        for task in self.tasks:
            if task in agent._results or task in agent._evaluating or agent._misses.get(task, 0) >= self.patience:
                continue
            yield task

    def best(self) -> Agent | None:
        """The agent with the highest epsilon-quantile of its posterior, among those that have solved something.

        Where none has, the first seed: to have failed less often is no merit.
        """
        tallies = belief.undominated((a.solved, a.failed) for a in self._order if a.solved)
        if not tallies:
            return self._order[0] if self._order else None
        top = max(tallies, key=lambda tally: belief.quantile(tally[0], tally[1], self.epsilon))
        return next(agent for agent in self._order if (agent.solved, agent.failed) == top)

    # ------------------------------------------------------------ folding

    def apply(self, event: AnyEvent) -> None:
        """Fold `event`. Raises `ValueError`, with nothing changed, if it cannot follow the events before it."""
        match event:
            case TaskScored():
                self._scored(event)
            case JobStarted():
                self._started(event)
            case AgentBorn():
                self._born(event)
            case JobFailed():
                self._failed(event)
            case RunConfigured():
                self._configured(event)
            case RunPaused():
                self.paused = event
            case RunEnded():
                self.ended = event
        self.length += 1
        self.began = self.began or event.at
        self.last = event.at

    def _configured(self, event: RunConfigured) -> None:
        self.config, self.tasks, self.benchmark = event.config, event.tasks, event.benchmark
        self.held_out = event.held_out
        policy = event.config.get("policy", {})
        self.patience = int(policy.get("patience", PolicyConfig().patience))
        self.epsilon = float(policy.get("epsilon", PolicyConfig().epsilon))
        caps = event.config.get("caps", {})
        self._usd_per_job = float(caps.get("usd_per_job", 0.0))
        self._usd_per_agent = float(caps.get("usd_per_agent", "inf"))
        self.ended = None
        for agent in self._order:
            self._changed(agent)

    def _started(self, event: JobStarted) -> None:
        agent = self._agents.get(event.job.agent)
        if agent is None:
            raise ValueError(f"job {event.id} is about {event.job.agent}, which is not in the tree")
        if event.id < self.next_job:
            raise ValueError(f"job {event.id} started twice")
        if isinstance(event.job, Evaluate):
            if event.job.task in agent._results or event.job.task in agent._evaluating:
                raise ValueError(f"{agent.id} is evaluated on {event.job.task} twice")
            agent._evaluating.add(event.job.task)
        else:
            if event.job.study is not None:
                agent._studied[event.job.study] += 1
            agent.expanding += 1
            self.expanding += 1
        self._running[event.id] = event
        self.next_job = event.id + 1
        self.ended = None
        self._changed(agent)

    def _born(self, event: AgentBorn) -> None:
        if event.agent in self._agents:
            raise ValueError(f"{event.agent} was born twice")
        parent = None
        if event.parent is not None:
            job = self._job(event.job)
            parent = self._agents.get(event.parent)
            if parent is None or not isinstance(job, Expand) or job.agent != event.parent:
                raise ValueError(f"{event.agent} is no child of job {event.job}")
        agent = Agent(self, event, parent, len(self._order))
        self._order.append(agent)
        self._agents[agent.id] = agent
        self._changed(agent)
        if parent is None:
            self._seeds.append(agent)
        else:
            assert event.job is not None
            parent._children.append(agent)
            parent.barren = 0
            self._finish(event.job, event.usage)
            self._ended_well()

    def _scored(self, event: TaskScored) -> None:
        job = self._job(event.job)
        if not isinstance(job, Evaluate):
            raise ValueError(f"job {event.job} is no evaluation, but has a score")
        agent = self._finish(event.job, event.usage)
        agent._results[job.task] = event.solved
        agent._jobs[job.task] = event.job
        if agent._missed:
            agent._misses.pop(job.task, None)
            agent._missed.pop(job.task, None)
        self.evaluations += 1
        if event.solved:
            self.solved += 1
            agent.solved += 1
            self._solvers.append(agent.index)
        else:
            agent.failed += 1
            self._failers.append(agent.index)
        if self.failed_in_a_row:
            self._ended_well()

    def _failed(self, event: JobFailed) -> None:
        job = self._job(event.job)
        agent = self._finish(event.job, event.usage)
        self.failures[event.cause] += 1
        self.last_failure = event.reason
        self.failed_in_a_row[event.cause] += 1
        if isinstance(job, Evaluate):
            agent._missed[job.task] = event.job
        task = job.task if isinstance(job, Evaluate) else None
        if event.cause == "provider":
            self._suspects.add((agent, task))
        elif event.cause in CHARGED:
            self.stillborn += event.cause == "stillborn"
            self._charge(agent, task)

    def _charge(self, agent: Agent, task: TaskId | None) -> None:
        if task is None:
            agent.barren += 1
        else:
            agent._misses[task] = agent._misses.get(task, 0) + 1
        self._changed(agent)

    def _ended_well(self) -> None:
        """The model can be reached again, so what failed for its sake may itself be why: once counts as a miss.

        An outage costs each job one miss at the most; an agent whose requests always break the provider wears out.
        """
        self.failed_in_a_row.clear()
        for agent, task in self._suspects:
            if task not in agent._results:
                self._charge(agent, task)
        self._suspects.clear()

    def _job(self, id: JobId | None) -> Expand | Evaluate:
        started = self._running.get(id) if id is not None else None
        if started is None:
            raise ValueError(f"job {id} is not running")
        return started.job

    def _finish(self, id: JobId, usage: Usage) -> Agent:
        job = self._running.pop(id).job
        agent = self._agents[job.agent]
        if isinstance(job, Evaluate):
            agent._evaluating.discard(job.task)
        else:
            agent.expanding -= 1
            self.expanding -= 1
        agent.usage += usage
        if usage.usd > 0 and not self.spent.usd:  # jobs under way counted as free until now
            for one in self._order:
                self._changed(one)
        self.spent += usage
        self._changed(agent)
        return agent

    def _changed(self, agent: Agent) -> None:
        if self._watched:
            self._stale.add(agent.index)
            self._stale_clades.add(agent.index)

    def _watch(self) -> None:
        if not self._watched:
            self._watched = True
            self._stale.update(range(len(self._order)))
            self._stale_clades.update(range(len(self._order)))

    def _settle(self) -> None:
        self._watch()
        for index in self._stale:
            agent = self._order[index]
            if next(self._untried(agent), None) is not None and not self.capped(agent):
                self._evaluable.put(index, agent.solved, agent.failed)
            else:
                self._evaluable.drop(index)
        self._stale.clear()

    def _settle_clades(self) -> None:
        """What changed in an agent changed in all clades that it is in."""
        self._watch()
        self._sum_clades()
        seen: set[int] = set()
        for index in self._stale_clades:
            for agent in self._order[index]._up():
                if agent.index in seen:
                    break
                seen.add(agent.index)
                if agent.barren < self.patience and not self.capped(agent):
                    self._expandable.put(agent.index, agent._clade_solved, agent._clade_failed)
                else:
                    self._expandable.drop(agent.index)
        self._stale_clades.clear()

    def _sum_clades(self) -> None:
        """Add the new results to all clades that they are in: O(depth) each, or one sweep where there are many."""
        if not self._solvers and not self._failers:
            return
        solvers, failers, self._solvers, self._failers = self._solvers, self._failers, [], []
        if (len(solvers) + len(failers)) * 8 > len(self._order):
            self._sweep(solvers, failers)
            return
        for index in solvers:
            for agent in self._order[index]._up():
                agent._clade_solved += 1
        for index in failers:
            for agent in self._order[index]._up():
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
