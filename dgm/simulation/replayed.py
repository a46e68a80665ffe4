"""What other policies would have made of a finished run: its own outcomes, asked for in another order.

A wish that the record cannot answer, a pair of agent and task that was never scored or a child that was never written,
is refused once and for all: the policy sees the task, or the parent, as given up, and wishes for something else.
No outcome is made up. So policies can tell apart only what the run looked at, and one that is much unlike the run's
own has many wishes refused: the share that was met says how far to trust a row. Invariant: the policy and the tree are
real; jobs run one at a time, since refusals would look like an outage to the loop of a run.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from msgspec import Struct, to_builtins

from dgm.archive import fold, log_of
from dgm.config import PolicyConfig
from dgm.events import AgentBorn, AnyEvent, JobFailed, JobStarted, TaskScored
from dgm.files import File
from dgm.jobs import AgentId, Evaluate, Expand, Failure, Job, Outcome, Rewrite, TaskId, Verdict
from dgm.log import LogReader
from dgm.machine import stream
from dgm.policies import open_policy
from dgm.policies.conclusion import conclude
from dgm.simulation.memory import NAME, Memory
from dgm.tree import Tree


class Recorded:
    """The outcomes of a run: a score for each pair that has one, and each parent's expansions in their order."""

    def __init__(self, events: Sequence[AnyEvent]) -> None:
        self.tree = Tree(events)
        self._scores: dict[tuple[AgentId, TaskId], Verdict] = {}
        self._expansions: dict[tuple[AgentId, AgentId], list[Rewrite | Failure]] = {}
        jobs: dict[int, Job] = {}
        for event in events:
            match event:
                case JobStarted(id=id, job=job):
                    jobs[id] = job
                case TaskScored(job=id, solved=solved, usage=usage):
                    job = jobs[id]
                    assert isinstance(job, Evaluate)
                    self._scores[job.agent, job.task] = Verdict(solved, usage)
                case AgentBorn(agent=agent, job=int(id), usage=usage):
                    self._written(jobs[id], Rewrite({NAME: File(agent.encode())}, "", usage))
                case JobFailed(job=id, cause="stillborn", reason=reason, usage=usage):
                    self._written(jobs[id], Failure("stillborn", reason, usage))

    def _written(self, job: Job, outcome: Rewrite | Failure) -> None:
        if isinstance(job, Expand):
            self._expansions.setdefault((job.agent, job.author or job.agent), []).append(outcome)

    def outcome(self, job: Job, before: int) -> Outcome | None:
        """What came of `job`; None where the record does not tell. `before`: how often its parent was expanded so."""
        if isinstance(job, Evaluate):
            return self._scores.get((job.agent, job.task))
        expansions = self._expansions.get((job.agent, job.author or job.agent), [])
        return expansions[before] if before < len(expansions) else None


class Replay(Struct, frozen=True):
    """One policy's way through a record. `evaluations`, `expansions`: those that were met; `wishes`: of each kind."""

    agent: AgentId
    solved: int
    tried: int
    """In the whole record, of the agent that it would have returned."""
    evaluations: int
    expansions: int
    evaluation_wishes: int
    expansion_wishes: int

    @property
    def score(self) -> float:
        return self.solved / self.tried if self.tried else 0.0

    @property
    def met(self) -> float:
        wishes = self.evaluation_wishes + self.expansion_wishes
        return (self.evaluations + self.expansions) / wishes if wishes else 1.0


def recorded(folder: Path) -> Recorded:
    """The run in `folder`. Raises `NoArchive`, `Damaged`, `ValueError` where nothing was evaluated."""
    events: list[AnyEvent] = []
    tree = Tree()
    fold(LogReader(log_of(folder)), tree, events.append)
    if not tree.evaluations:
        raise ValueError(f"{folder}: nothing was evaluated in it yet, so there is nothing to replay")
    return Recorded(events)


def replay(
    record: Recorded, config: PolicyConfig, budget: int, seed: int, told: Callable[[Job, bool], object] | None = None
) -> Replay:
    """Let a policy spend `budget` evaluations on the record's outcomes, beginning with its first seed.

    `told(job, met)` hears of each wish. Raises `ConfigError` for an unknown policy.
    """
    policy = open_policy(config, budget)
    now = 1.0
    memory = Memory(record.tree.seeds[0].id, record.tree.tasks, lambda: now, {"policy": to_builtins(config)})
    tree = memory.tree
    wishes: Counter[type[Job]] = Counter()
    expanded: Counter[tuple[AgentId, AgentId]] = Counter()
    refused: set[tuple[AgentId, TaskId | None]] = set()
    while (job := policy(tree, stream(seed, tree))) is not None:
        wishes[type(job)] += 1
        way = (job.agent, (job.author if isinstance(job, Expand) else None) or job.agent)
        outcome = record.outcome(job, expanded[way])
        if told is not None:
            told(job, outcome is not None)
        if outcome is None:
            wish = (job.agent, job.task if isinstance(job, Evaluate) else None)
            if wish in refused:  # a policy that does not hear a refusal
                break
            refused.add(wish)
            refuse(memory, job)
            continue
        expanded[way] += isinstance(job, Expand)
        started = memory.start(job)
        now += outcome.usage.seconds
        memory.finish(started.id, outcome)
    end = conclude(policy, tree)
    agent = record.tree.agents[end.agent]
    return Replay(
        agent.id,
        agent.solved,
        agent.evaluations,
        tree.evaluations,
        tree.expansions,
        wishes[Evaluate],
        wishes[Expand],
    )


def refuse(memory: Memory, job: Job) -> None:
    """Use up the patience with a task, or with a parent: as after failures that are nobody's."""
    while True:
        started = memory.start(job)
        memory.finish(started.id, Failure("infra", "the record does not tell"))
        agent = memory.tree.agents[job.agent]
        spent = agent.misses[job.task] if isinstance(job, Evaluate) else agent.barren
        if spent >= memory.tree.patience:
            return
