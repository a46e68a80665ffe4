"""Why a job was chosen, recomputed from the log alone.

What led to a choice is told by the policy itself, asked once more with the tree and the random numbers of that moment.
Invariant: the answer of the policy is held against what was recorded, and where the two differ, that is said.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from math import isfinite, nan
from typing import Literal

import msgspec
from msgspec import Struct

from dgm.clade import Agent
from dgm.events import AgentBorn, AnyEvent, JobFailed, JobStarted, TaskScored
from dgm.jobs import AgentId, Job, JobId
from dgm.machine import stream
from dgm.policies.choosing import Policy
from dgm.policies.reasons import Contest, Reasons
from dgm.report import ended, kind
from dgm.retrace import Setup, retraced
from dgm.tree import Tree


class Standing(Struct, frozen=True):
    """An agent at the moment of a choice."""

    agent: AgentId
    solved: int
    failed: int
    clade_solved: int
    clade_failed: int
    children: int

    @classmethod
    def of(cls, agent: Agent) -> "Standing":
        clade = agent.clade_solved, agent.clade_failed
        return cls(agent.id, agent.solved, agent.failed, *clade, len(agent.children))


class Candidate(Struct, frozen=True):
    """One of those compared, by `value` (None: without bound); `alike`: how many more agents that stands for, since
    their tallies are equal; `tally` (solved, failed), `mean`, `spread`: of what it was drawn from; `share`: the chance
    in a lot."""

    standing: Standing
    value: float | None
    alike: int
    tally: tuple[int, int] | None
    mean: float | None
    spread: float | None
    share: float | None


class Comparison(Struct, frozen=True):
    """`among` agents were compared by `measure`. By `largest`, the winner is `margin` ahead of the `runner_up`, below 0
    where a policy has taken the second on purpose; by `lot`, it was drawn in proportion to the values. The candidates
    are the first ones by value, and the winner."""

    measure: str
    by: Literal["largest", "lot"]
    among: int
    winner: AgentId
    runner_up: AgentId | None
    margin: float | None
    candidates: tuple[Candidate, ...]


class Step(Struct, frozen=True):
    """A rule that held, or a comparison that was made."""

    rule: str = ""
    comparison: Comparison | None = None


class Chance(Struct, frozen=True):
    """How often other random numbers give a job of this kind to this agent; `agent` is empty for no job at all."""

    kind: str
    agent: AgentId
    share: float


class Choice(Struct, frozen=True):
    """A job that was chosen, and why. `same`: whether the policy, asked again, wants that very job; None where it
    could not be asked. `doubt`: why it does not, or could not be.

    `event`: how many events stand before it in the log, which with `random_seed` gives its random numbers. `steps` and
    `task_words` are those of `again`. `outcome` is as in `dgm.report.JobRow`; `chances` are of `redraws` choices.
    """

    id: JobId
    job: Job
    again: Job | None
    same: bool | None
    doubt: str
    at: float
    event: int
    policy: str
    random_seed: int
    steps: tuple[Step, ...]
    task_words: str
    standing: Standing
    outcome: str
    reason: str
    child: AgentId | None
    redraws: int
    chances: tuple[Chance, ...]

    @property
    def decisive(self) -> Comparison | None:
        """The last comparison that the agent of the job has won."""
        won = [
            s.comparison for s in self.steps if s.comparison and self.again and s.comparison.winner == self.again.agent
        ]
        return won[-1] if won else None


class AgentChoices(Struct, frozen=True):
    """The choices that led to an agent: the expansion that made it, those that made its ancestors, from the seed down,
    and its own evaluations."""

    agent: AgentId
    birth: Choice | None
    ancestors: tuple[Choice, ...]
    evaluations: tuple[Choice, ...]


def explain(
    events: Iterable[AnyEvent], wanted: Callable[[JobId], bool], redraws: Callable[[JobId], int], trusted: str = ""
) -> list[Choice]:
    """The choices of the jobs that are `wanted`, in order; `redraws`: how many choices with other random numbers tell
    the chances of one."""
    ends: dict[JobId, AgentBorn | TaskScored | JobFailed] = {}

    def heeded() -> Iterator[AnyEvent]:
        for event in events:
            if isinstance(event, (AgentBorn, TaskScored, JobFailed)) and event.job is not None and wanted(event.job):
                ends[event.job] = event
            yield event

    found = [
        (chosen(tree, setup, started, redraws(started.id)), started)
        for tree, setup, started in retraced(heeded(), trusted)
        if wanted(started.id)
    ]
    return [_with_end(choice, started, ends.get(started.id)) for choice, started in found]


def _with_end(choice: Choice, started: JobStarted, end: AgentBorn | TaskScored | JobFailed | None) -> Choice:
    row = ended(started, end)
    return msgspec.structs.replace(choice, outcome=row.outcome, reason=row.reason, child=row.child)


def chosen(tree: Tree, setup: Setup, started: JobStarted, redraws: int) -> Choice:
    """The choice of `started` in `tree`, which is folded up to just before it."""
    policy, again, same, doubt, reasons = setup.policy, None, None, setup.doubt, Reasons()
    if policy is not None:
        from dgm.policies.witness import Witness

        witness = Witness(stream(setup.random_seed, tree))
        again, reasons = policy(tree, witness), witness.reasons
        same = again == started.job
        doubt = "" if same else setup.differing(started.job, again)
    return Choice(
        id=started.id,
        job=started.job,
        again=again,
        same=same,
        doubt=doubt,
        at=started.at,
        event=tree.length,
        policy=setup.name,
        random_seed=setup.random_seed,
        steps=tuple(Step(rule=s) if isinstance(s, str) else Step(comparison=_told(tree, s)) for s in reasons.steps),
        task_words=reasons.task,
        standing=Standing.of(tree.agents[started.job.agent]),
        outcome="running",
        reason="",
        child=None,
        redraws=redraws if policy is not None else 0,
        chances=chances(tree, policy, setup.random_seed, redraws) if policy is not None and redraws else (),
    )


def _told(tree: Tree, contest: Contest) -> Comparison:
    lot = contest.by == "lot"
    candidates = tuple(
        Candidate(
            Standing.of(tree.agent(one.agent)),
            one.value if isfinite(one.value) else None,
            one.alike,
            one.tally,
            one.mean,
            one.spread,
            one.value / contest.total if lot and contest.total else None,
        )
        for one in contest.candidates
    )
    second = None if lot else next((one for one in contest.candidates if one.agent != contest.winner), None)
    value = next(one.value for one in contest.candidates if one.agent == contest.winner)
    margin = value - second.value if second else nan
    return Comparison(
        contest.measure,
        contest.by,
        contest.among,
        tree.agent(contest.winner).id,
        tree.agent(second.agent).id if second else None,
        margin if isfinite(margin) else None,
        candidates,
    )


def chances(tree: Tree, policy: Policy, random_seed: int, redraws: int) -> tuple[Chance, ...]:
    """Whom the policy gives a job in the same tree with other random numbers: the likeliest ones, by kind of job."""
    from numpy.random import default_rng

    counts: Counter[tuple[str, AgentId]] = Counter()
    for n in range(redraws):
        job = policy(tree, default_rng([random_seed, tree.length, n + 1]))
        counts[("", "") if job is None else (kind(job), job.agent)] += 1
    return tuple(Chance(*key, times / redraws) for key, times in counts.most_common())


def of_agent(events: Iterable[AnyEvent], agent: Agent, redraws: int, trusted: str = "") -> AgentChoices:
    """The choices that led to `agent`. `redraws`: for the expansion that made it."""
    ancestors = {one.job for one in agent.lineage()[:-1] if one.job is not None}
    evaluations = set(agent.jobs.values())
    wanted = ancestors | evaluations | ({agent.job} if agent.job is not None else set())
    found = explain(events, wanted.__contains__, lambda id: redraws if id == agent.job else 0, trusted)
    return AgentChoices(
        agent.id,
        next((one for one in found if one.id == agent.job), None),
        tuple(one for one in found if one.id in ancestors),
        tuple(one for one in found if one.id in evaluations),
    )
