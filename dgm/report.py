"""What can be said about a run, as values: the command line prints them, `--json` gives them as they are.

Invariant: a function of the log alone, and of the time where it says so; text, JSON and the live display agree.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Literal

from msgspec import Struct

from dgm import belief
from dgm.clade import Agent
from dgm.events import AgentBorn, AnyEvent, JobFailed, JobStarted, TaskScored
from dgm.jobs import AgentId, Evaluate, Expand, Job, JobId, TaskId, Usage
from dgm.policies.account import Account, account, budget_of
from dgm.policies.conclusion import best
from dgm.remarks import Remark, remarks
from dgm.statistics import Difference, mcnemar, paired_difference, verdict
from dgm.tree import Tree

INTERVAL = 0.9
SHORTEST = 4
"""Digits that a prefix of an agent's hash has at least."""


class NoSuchAgent(LookupError):
    """A name that means no agent, or several. The text lists what it could mean."""


class Tally(Struct, frozen=True):
    """Attempts, and the 90 % interval of the success rate that Beta(1 + solved, 1 + failed) gives."""

    solved: int
    failed: int
    low: float
    high: float

    @classmethod
    def of(cls, solved: int, failed: int) -> "Tally":
        tail = (1 - INTERVAL) / 2
        return cls(solved, failed, belief.quantile(solved, failed, tail), belief.quantile(solved, failed, 1 - tail))

    @property
    def total(self) -> int:
        return self.solved + self.failed


class AgentRow(Struct, frozen=True):
    """One agent in one line. `usd`: dollars of its evaluations and of the expansions of it."""

    id: AgentId
    parent: AgentId | None
    depth: int
    born: float
    solved: int
    failed: int
    clade_solved: int
    clade_failed: int
    children: int
    usd: float
    summary: str
    seed: bool
    best: bool

    @property
    def evaluations(self) -> int:
        return self.solved + self.failed


class RunningJob(Struct, frozen=True):
    """A job without an end in the log. `task`: of an evaluation, or the failure that an expansion studies."""

    id: JobId
    kind: str
    agent: AgentId
    task: TaskId | None
    started: float


State = Literal["new", "running", "paused", "finished", "capped", "interrupted", "failed", "stopped"]
"""`stopped`: it ended without a word, as when its process was killed. All but `finished` can be resumed."""


class Status(Struct, frozen=True):
    """A run at a glance. Times are seconds since 1970; `wall`: seconds from the first event to the last; `sample`: how
    the tasks were drawn, if they were; `quarantined`: tasks that were left out, with the reason; `budget`: B, and
    `account`: what was spent of what that is worth."""

    state: State
    reason: str
    simulation: bool
    agents: int
    tasks: int
    subset: str
    sample: str
    held_out: int
    quarantined: dict[TaskId, str]
    evaluations: int
    budget: int
    solved: int
    seed: AgentRow | None
    best: AgentRow | None
    running: tuple[RunningJob, ...]
    usage: Usage
    cap_usd: float
    failures: dict[str, int]
    began: float
    last: float
    wall: float
    account: Account
    remarks: tuple[Remark, ...]


class Comparison(Struct, frozen=True):
    """An agent and the seed on the tasks that both were tried on. `difference`: of their rates, with a 95 % interval;
    `p`: McNemar's, exact; `apart`: whether the interval leaves out 0. None of it knows that the agent was chosen."""

    tasks: int
    agent: Tally
    seed: Tally
    gained: tuple[TaskId, ...]
    lost: tuple[TaskId, ...]
    apart: bool
    difference: Difference
    p: float


class JobRow(Struct, frozen=True):
    """One attempt. `outcome`: born, solved, unsolved, running, or the cause of its failure; `child`: what was born;
    `author`: who rewrote the agent, if not itself; `agent`: what the job is about."""

    id: JobId
    kind: str
    task: TaskId | None
    outcome: str
    reason: str
    child: AgentId | None
    flags: tuple[str, ...]
    usage: Usage
    started: float
    ended: float | None
    author: AgentId | None = None
    agent: AgentId = ""


def setting(config: Mapping[str, Any], key: str, default: Any) -> Any:
    """The value of a dotted key in a configuration as the log keeps it."""
    value: Any = config
    for part in key.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return default if value is None else value


def simulation(tree: Tree) -> bool:
    """Whether all models of the run are the scripted one."""
    models = setting(tree.config, "models", {})
    return all(setting(model, "name", "scripted") == "scripted" for model in models.values())


def find(tree: Tree, name: str) -> Agent:
    """The agent called `name`: `seed`, `best`, or a prefix of its hash that no other agent has."""
    top = {"seed": tree.seeds[0] if tree.seeds else None, "best": best(tree) if name == "best" else None}.get(name)
    if top is not None:
        return top
    if not tree.agents:
        raise NoSuchAgent("there are no agents in this archive yet")
    found = [agent for id, agent in tree.agents.items() if id.startswith(name.lower())]
    if len(found) == 1 and len(name) >= SHORTEST:
        return found[0]
    if not found or len(name) < SHORTEST:
        raise NoSuchAgent(
            f"no agent is called {name!r}: give `seed`, `best`, or {SHORTEST} or more digits of a hash from `dgm tree`"
        )
    more = f" and {len(found) - 8} more" if len(found) > 8 else ""
    raise NoSuchAgent(f"{name!r} may mean {', '.join(agent.id[:12] for agent in found[:8])}{more}: give more digits")


def row(agent: Agent, top: Agent | None) -> AgentRow:
    return AgentRow(
        agent.id,
        agent.parent.id if agent.parent else None,
        agent.depth,
        agent.born,
        agent.solved,
        agent.failed,
        agent.clade_solved,
        agent.clade_failed,
        len(agent._children),
        agent.usage.usd,
        agent.summary,
        agent.parent is None,
        agent is top,
    )


def status(tree: Tree, driven: bool | None, now: float) -> Status:
    """driven: whether a process drives the run right now; None where that cannot be known."""
    top = best(tree)
    state, reason = condition(tree, driven, now)
    return Status(
        state=state,
        reason=reason,
        simulation=simulation(tree),
        agents=len(tree.agents),
        tasks=len(tree.tasks),
        subset=setting(tree.config, "run.subset", ""),
        sample=setting(tree.config, "run.sample", "random") if sampled(tree) else "",
        held_out=len(tree.held_out),
        quarantined=dict(tree.quarantined),
        evaluations=tree.evaluations,
        budget=budget_of(tree),
        solved=tree.solved,
        seed=row(tree.seeds[0], top) if tree.seeds else None,
        best=row(top, top) if top else None,
        running=tuple(
            RunningJob(job.id, kind(job.job), job.job.agent, job.job.task, job.at) for job in tree.running.values()
        ),
        usage=tree.spent,
        cap_usd=float(setting(tree.config, "caps.usd_per_run", 0.0)),
        failures=dict(tree.failures),
        began=tree.began,
        last=tree.last,
        wall=tree.last - tree.began,
        account=account(tree),
        remarks=remarks(tree),
    )


def sampled(tree: Tree) -> bool:
    """Whether the tasks were drawn by lot."""
    wanted = setting(tree.config, "run.tasks", 0)
    return isinstance(wanted, int) and wanted > 0


def condition(tree: Tree, driven: bool | None, now: float) -> tuple[State, str]:
    """What the run is doing, and why."""
    ends: dict[int, State] = {0: "finished", 3: "capped", 130: "interrupted"}
    if not tree.length:
        return "new", "nothing has happened yet"
    if tree.ended is not None and not driven:
        return ends.get(tree.ended.code, "failed"), tree.ended.reason
    if driven is False:
        return "stopped", "its process ended without a word; the same command resumes it"
    if tree.paused is not None and tree.paused.at + tree.paused.seconds > now:
        return "paused", tree.paused.reason
    return "running", ""


def kind(job: Job) -> str:
    return "evaluate" if isinstance(job, Evaluate) else "expand"


def compare(agent: Agent, seed: Agent) -> Comparison:
    """`agent` against `seed` on the tasks that both have a score on."""
    both = [task for task in agent.results if task in seed.results]
    gained = tuple(task for task in both if agent.results[task] and not seed.results[task])
    lost = tuple(task for task in both if seed.results[task] and not agent.results[task])
    tallies = []
    for one in (agent, seed):
        solved = sum(one.results[task] for task in both)
        tallies.append(Tally.of(solved, len(both) - solved))
    ours, theirs = tallies
    difference = paired_difference(len(gained), len(lost), len(both) - len(gained) - len(lost))
    p = mcnemar(len(gained), len(lost))
    return Comparison(len(both), ours, theirs, gained, lost, verdict(difference) != "undecided", difference, p)


def attempts(events: Iterable[AnyEvent], agent: AgentId) -> list[JobRow]:
    """The job that made `agent`, its evaluations, and the expansions of it, in the order in which they started."""
    rows: dict[JobId, JobRow] = {}
    begun: dict[JobId, JobStarted] = {}
    for event in events:
        if isinstance(event, JobStarted):
            begun[event.id] = event
            if event.job.agent == agent:
                rows[event.id] = ended(event, None)
        elif isinstance(event, (AgentBorn, TaskScored, JobFailed)) and event.job is not None:
            started = begun.pop(event.job)
            if started.job.agent == agent or (isinstance(event, AgentBorn) and event.agent == agent):
                rows[event.job] = ended(started, event)
    return [rows[id] for id in sorted(rows)]


def ended(started: JobStarted, end: AgentBorn | TaskScored | JobFailed | None) -> JobRow:
    outcome, reason, child = "running", "", None
    flags: tuple[str, ...] = ()
    match end:
        case AgentBorn():
            outcome, reason, child = "born", end.summary, end.agent
        case TaskScored():
            outcome, flags = ("solved" if end.solved else "unsolved"), end.flags
        case JobFailed():
            outcome, reason = end.cause, end.reason
    usage = end.usage if end else Usage()
    at = end.at if end else None
    author = started.job.author if isinstance(started.job, Expand) else None
    job = started.job
    return JobRow(
        started.id, kind(job), job.task, outcome, reason, child, flags, usage, started.at, at, author, job.agent
    )
