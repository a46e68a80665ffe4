"""The archive as a value: a tree of agents, folded from the event log. All that a policy may look at.

Invariant: only `Tree.apply` changes a tree, and equal logs give equal trees. Reading never changes anything.
"""

from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

from dgm import belief
from dgm.clade import Agent, Clades
from dgm.config import PolicyConfig, misfit
from dgm.events import AgentBorn, AnyEvent, JobFailed, JobStarted, RunConfigured, RunEnded, RunPaused, TaskScored
from dgm.jobs import AgentId, Evaluate, Expand, JobId, TaskId, Usage
from dgm.pool import Pool, Pools

CHARGED = ("stillborn", "infra", "lost")
"""The causes that count at once against an agent's or a task's patience."""


class Tree:
    """A fold of the log. A record costs O(depth), a choice costs by the number of distinct tallies."""

    # An object with more than 30 attributes and no slots costs the fold of a large log a tenth more.
    __slots__ = (
        "_agents", "_clades", "_order", "_pools", "_running", "_seeds", "_suspects", "_usd_per_agent",
        "_usd_per_job", "arrivals", "began", "benchmark", "config", "ended", "epsilon", "evaluations", "expanding",
        "failed_in_a_row", "failures", "held_out", "images", "last", "last_failure", "length", "next_job",
        "patience", "paused", "quarantined", "solved", "spent", "spent_expanding",
        "spent_in_vain", "stillborn", "tasks",
    )  # fmt: skip

    def __init__(self, events: Iterable[AnyEvent] = ()) -> None:
        self.length = 0
        """Events folded so far; it also picks the policy's random stream."""
        self.config: dict[str, Any] = {}
        self.tasks: tuple[TaskId, ...] = ()
        self.held_out: tuple[TaskId, ...] = ()
        """Tasks that no job ever touches."""
        self.benchmark = ""
        self.images: dict[str, str] = {}
        """Name to content; empty where an older version has written the log."""
        self.quarantined: dict[TaskId, str] = {}
        """Tasks that were left out, with the reason."""
        self.patience = PolicyConfig().patience
        self._usd_per_job, self._usd_per_agent = 0.0, float("inf")
        self.epsilon = PolicyConfig().epsilon
        self.next_job: JobId = 1
        self.evaluations = 0
        self.solved = 0
        self.arrivals = array("I")
        """The agent of each result, by index, in the order in which the results came in."""
        self.expanding = 0
        self.stillborn = 0
        self.failed_in_a_row: Counter[str] = Counter()
        """By cause: jobs that ended so, since one last ended well."""
        self.failures: Counter[str] = Counter()
        self.last_failure = ""
        self.spent = Usage()
        self.spent_expanding = Usage()
        """What the expansions cost that ended with a child or a stillborn one."""
        self.spent_in_vain = Usage()
        """What the other failed jobs cost."""
        self.began = self.last = 0.0
        """Times of the first and of the last event."""
        self.ended: RunEnded | None = None
        self.paused: RunPaused | None = None
        self._order: list[Agent] = []
        self._seeds: list[Agent] = []
        self._agents: dict[AgentId, Agent] = {}
        self._running: dict[JobId, JobStarted] = {}
        self._suspects: set[tuple[Agent, TaskId | None]] = set()
        """Agents, with their task if they had one, whose jobs the provider failed since a job last ended well."""
        self._clades = Clades(self._order)
        self._pools = Pools(self._order, self._clades, self._may_expand, self._may_evaluate)
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

    @property
    def expansions(self) -> int:
        """Those that ended with a child or a stillborn one."""
        return len(self._order) - len(self._seeds) + self.stillborn

    @property
    def evaluating(self) -> int:
        """Evaluations under way."""
        return len(self._running) - self.expanding

    def agent(self, index: int) -> Agent:
        """The agent that was born as number `index`, from 0."""
        return self._order[index]

    @property
    def expandable(self) -> Pool:
        """The agents that may be expanded and can afford it, under the tallies of their clades."""
        return self._pools.expandable

    @property
    def evaluable(self) -> Pool:
        """The agents that have an untried task and can afford it, under their own tallies."""
        return self._pools.evaluable

    def untried(self, agent: Agent) -> list[TaskId]:
        """Tasks without a score, not under way, and not given up."""
        return list(self._untried(agent))

    def capped(self, agent: Agent) -> bool:
        """Whether one more job of `agent` may pass its cap, if that and those under way cost all that a job may.

        As long as a run has cost nothing, its jobs are taken to be free.
        """
        jobs = len(agent._evaluating) + agent.expanding + 1
        return self.spent.usd > 0 and agent.usage.usd + jobs * self._usd_per_job > self._usd_per_agent

    def _may_expand(self, agent: Agent) -> bool:
        return agent.barren < self.patience and not self.capped(agent)

    def _may_evaluate(self, agent: Agent) -> bool:
        gone = len(agent._results) + len(agent._evaluating) + len(agent._misses)
        some = gone < len(self.tasks) or next(self._untried(agent), None) is not None
        return some and not self.capped(agent)

    def _untried(self, agent: Agent) -> Iterator[TaskId]:
        results, evaluating, misses = agent._results, agent._evaluating, agent._misses
        for task in self.tasks:
            if task in results or task in evaluating or (misses and misses.get(task, 0) >= self.patience):
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
        if type(event) is JobStarted:  # half of a log; to find that it is none of the others takes longer
            self._started(event)
        else:
            match event:
                case TaskScored():
                    self._scored(event)
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
        if not self.began:
            self.began = event.at
        self.last = event.at

    def _configured(self, event: RunConfigured) -> None:
        if odd := misfit(event.config):
            raise ValueError(f"{odd} is no setting of its kind")
        policy = event.config.get("policy", {})
        epsilon = float(policy.get("epsilon", PolicyConfig().epsilon))
        if not 0 < epsilon < 1:
            raise ValueError(f"policy.epsilon is {epsilon:g}, but has to lie between 0 and 1")
        self.config, self.tasks, self.benchmark = event.config, event.tasks, event.benchmark
        self.held_out, self.images, self.quarantined = event.held_out, event.images, event.quarantined
        self.patience = int(policy.get("patience", PolicyConfig().patience))
        self.epsilon = epsilon
        caps = event.config.get("caps", {})
        self._usd_per_job = float(caps.get("usd_per_job", 0.0))
        self._usd_per_agent = float(caps.get("usd_per_agent", "inf"))
        self.ended = None
        self._pools.changed.update(range(len(self._order)))

    def _started(self, event: JobStarted) -> None:
        job = event.job
        agent = self._agents.get(job.agent)
        if agent is None:
            raise ValueError(f"job {event.id} is about {job.agent}, which is not in the tree")
        if event.id < self.next_job:
            raise ValueError(f"job {event.id} started twice")
        if isinstance(job, Evaluate):
            if job.task in agent._results or job.task in agent._evaluating:
                raise ValueError(f"{agent.id} is evaluated on {job.task} twice")
            agent._evaluating.add(job.task)
        else:
            if job.author is not None and job.author not in self._agents:
                raise ValueError(f"the author of job {event.id} is {job.author}, which is not in the tree")
            if job.study is not None:
                agent._studied[job.study] = agent._studied.get(job.study, 0) + 1
            agent.expanding += 1
            self.expanding += 1
        self._running[event.id] = event
        self.next_job = event.id + 1
        self.ended = None
        self._pools.changed.add(agent.index)

    def _born(self, event: AgentBorn) -> None:
        if event.agent in self._agents:
            raise ValueError(f"{event.agent} was born twice")
        parent = started = None
        if event.parent is not None:
            started = self._job(event.job)
            parent = self._agents.get(event.parent)
            if parent is None or not isinstance(started.job, Expand) or started.job.agent != event.parent:
                raise ValueError(f"{event.agent} is no child of job {event.job}")
        agent = Agent(self._clades, event, parent, len(self._order))
        self._order.append(agent)
        self._agents[agent.id] = agent
        self._pools.changed.add(agent.index)
        if parent is None or started is None:
            self._seeds.append(agent)
        else:
            parent._children.append(agent)
            parent.barren = 0
            self._finish(started, event.usage)
            self.spent_expanding += event.usage
            self._ended_well()

    def _scored(self, event: TaskScored) -> None:
        started = self._job(event.job)
        job = started.job
        if not isinstance(job, Evaluate):
            raise ValueError(f"job {event.job} is no evaluation, but has a score")
        agent = self._finish(started, event.usage)
        task = job.task
        agent._results[task] = event.solved
        agent._jobs[task] = event.job
        if agent._missed:
            agent._misses.pop(task, None)
            agent._missed.pop(task, None)
        self.evaluations += 1
        self.arrivals.append(agent.index)
        if event.solved:
            self.solved += 1
            agent.solved += 1
            self._clades.solvers.append(agent.index)
        else:
            agent.failed += 1
            self._clades.failers.append(agent.index)
        if self.failed_in_a_row:
            self._ended_well()

    def _failed(self, event: JobFailed) -> None:
        started = self._job(event.job)
        job = started.job
        agent = self._finish(started, event.usage)
        if event.cause == "stillborn":
            self.spent_expanding += event.usage
        else:
            self.spent_in_vain += event.usage
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
        self._pools.changed.add(agent.index)

    def _ended_well(self) -> None:
        """The model can be reached again, so what failed for its sake may itself be why: once counts as a miss.

        An outage costs each job one miss at the most; an agent whose requests always break the provider wears out.
        """
        self.failed_in_a_row.clear()
        for agent, task in self._suspects:
            if task not in agent._results:
                self._charge(agent, task)
        self._suspects.clear()

    def _job(self, id: JobId | None) -> JobStarted:
        started = self._running.get(id) if id is not None else None
        if started is None:
            raise ValueError(f"job {id} is not running")
        return started

    def _finish(self, started: JobStarted, usage: Usage) -> Agent:
        del self._running[started.id]
        job = started.job
        agent = self._agents[job.agent]
        if isinstance(job, Evaluate):
            agent._evaluating.discard(job.task)
        else:
            agent.expanding -= 1
            self.expanding -= 1
        if usage.usd > 0 and not self.spent.usd:  # jobs under way counted as free until now
            self._pools.changed.update(range(len(self._order)))
        agent.usage += usage
        self.spent += usage
        self._pools.changed.add(agent.index)
        return agent
