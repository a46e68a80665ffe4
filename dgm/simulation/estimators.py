"""How well what a tree says of an agent foretells what grows from it: the estimators of metaproductivity.

Two measures: Appendix D of the Huxley-Gödel Machine's paper (arXiv 2510.21614), which looks at descendants that the
tree has, and the true future, which only a world with known truth can tell. Invariant: an estimator never sees the
results that its target is made of.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from math import isfinite, nan
from typing import TYPE_CHECKING

from msgspec import Struct, to_builtins

from dgm.clade import Agent
from dgm.events import AgentBorn, AnyEvent, JobFailed, JobStarted, TaskScored
from dgm.flight import Flight
from dgm.jobs import AgentId, Evaluate, JobId
from dgm.machine import run
from dgm.policies import open_policy
from dgm.policies.dgm import weight
from dgm.simulation.clock import Clock
from dgm.simulation.families import family
from dgm.simulation.memory import Memory
from dgm.simulation.trial import Trial, settings
from dgm.simulation.worlds import World
from dgm.tree import Tree

if TYPE_CHECKING:
    from numpy.random import Generator

FURTHER = 12
"""Expansions that a future has."""
ROLLOUTS = 8
"""Futures of an agent that are averaged."""
NOISE = 0.05
"""Standard deviation of what a rollout knows of an agent's utility: about that of 60 evaluations."""
LEAST = 5
"""Pairs that a correlation needs, and evaluations that a mean needs to be somebody's highest: 1 of 1 tells nothing."""
FRESH = 1_000_000
"""Numbers of a rollout's expansions begin here, beyond every number that one of a run has."""

Scores = Mapping[AgentId, float]


class Estimator(Struct, frozen=True):
    """`score` gives a number for each agent that it can judge; `own`: whether Appendix D lets it see the agent's own
    results, which are no part of the target but, in a clade's tally, are no foretelling either."""

    name: str
    score: Callable[[Tree], Scores]
    own: bool = True


def clade(tree: Tree) -> Scores:
    """HGM's: solved per evaluation in the whole clade."""
    sums = ((agent, agent.clade_solved, agent.clade_failed) for agent in tree.agents.values())
    return {agent.id: solved / (solved + failed) for agent, solved, failed in sums if solved + failed}


def own(tree: Tree) -> Scores:
    """SICA's and greedy search's: the agent's own mean."""
    return {agent.id: agent.rate for agent in tree.agents.values() if agent.rate is not None}


def dgm(tree: Tree) -> Scores:
    """DGM's weight of a parent: its own mean, and how few children it has."""
    return {
        agent.id: weight(agent.rate, len(agent.children)) for agent in tree.agents.values() if agent.rate is not None
    }


def race(tree: Tree) -> Scores:
    """RACE's promise: mean ability, and what drift is expected to add to it."""
    from dgm.policies.race import Race

    policy = Race(1)
    beliefs = policy.posterior(tree, policy.tau).heredity
    promise = beliefs.mean[:, 0] + policy.horizon * beliefs.mean[:, 1]
    return dict(zip(tree.agents, promise.tolist(), strict=True))


ESTIMATORS = (
    Estimator("clade", clade, own=False),
    Estimator("own", own),
    Estimator("dgm", dgm),
    Estimator("race", race),
)


class Correlations(Struct, frozen=True):
    """Pearson's, over the agents of one tree; NaN where there are too few, or all alike."""

    estimator: str
    weighted: float
    """On Appendix D's measure, by the evaluations that the clade's estimate rests on."""
    unweighted: float
    future: float
    """With the true expected best of the next expansions from an agent, over those that are not broken: to tell these
    takes no estimator, and would be most of the correlation."""
    pairs: int
    """Agents that Appendix D's measure has."""


# -------------------------------------------------------------------- Appendix D


class Past(Struct, frozen=True):
    """An agent's empirical metaproductivity, the highest mean among its descendants; what each estimator says of the
    agent where the child's subtree with that descendant is left out; and the evaluations in what is left of the clade,
    without the agent's own."""

    agent: AgentId
    target: float
    evaluations: int
    scores: Scores


def past(events: Sequence[AnyEvent], estimators: Iterable[Estimator] = ESTIMATORS) -> list[Past]:
    """For each agent of a log on which every estimator has something to say."""
    estimators = tuple(estimators)
    tree = Tree(events)
    found = []
    for agent in tree.agents.values():
        best = _best(agent)
        if best is None:
            continue
        branch = next(one for one in best.upwards() if one.parent is agent)
        rest = Tree(without(events, _descent(branch)))
        left = rest.agents[agent.id]
        evaluations = left.clade_solved + left.clade_failed - left.evaluations
        bare = Tree(without(events, _descent(branch), agent.id))
        scores = {one.name: one.score(rest if one.own else bare).get(agent.id, nan) for one in estimators}
        if evaluations and all(map(isfinite, scores.values())):
            found.append(Past(agent.id, best.rate or 0.0, evaluations, scores))
    return found


def without(events: Iterable[AnyEvent], gone: Collection[AgentId], silent: AgentId = "") -> list[AnyEvent]:
    """A log as if the agents in `gone`, with whom all their descendants go, had never been born, nor `silent` been
    evaluated."""
    gone = frozenset(gone)
    events = list(events)
    jobs: set[JobId] = set()
    for event in events:
        match event:
            case JobStarted(id=id, job=job):
                if job.agent in gone or (job.agent == silent and isinstance(job, Evaluate)):
                    jobs.add(id)
            case AgentBorn(agent=agent, job=id) if agent in gone and id is not None:
                jobs.add(id)
    return [event for event in events if _job_of(event) not in jobs]


def _job_of(event: AnyEvent) -> JobId | None:
    match event:
        case JobStarted(id=id):
            return id
        case TaskScored(job=job) | JobFailed(job=job) | AgentBorn(job=job):
            return job
    return None


def _best(agent: Agent) -> Agent | None:
    """Its descendant with the highest mean, of those with enough evaluations; the oldest of equals."""
    able = [one for one in _below(agent) if one.evaluations >= LEAST]
    return max(able, key=lambda one: (one.rate or 0.0, -one.index), default=None)


def _below(agent: Agent) -> list[Agent]:
    found = list(agent.children)
    for one in found:
        found += one.children
    return found


def _descent(agent: Agent) -> list[AgentId]:
    return [agent.id, *(one.id for one in _below(agent))]


# -------------------------------------------------------------------- the true future


def future(world: World, agent: AgentId, rng: "Generator", further: int = FURTHER, rollouts: int = ROLLOUTS) -> float:
    """The true utility of the best of `further` more expansions that begin with `agent`, on average over `rollouts`.

    Each expands whoever seems best of the agent and what was born since. The children are new ones, whatever the tree
    has already; `world` is left as it was. Where nothing is born, the agent's own utility stands in.
    """
    known = world.truths[agent].utility
    best = 0.0
    for rollout in range(rollouts):
        seeming = {agent: known + NOISE * rng.normal()}
        born: dict[AgentId, float] = {}
        for step in range(further):
            parent = max(seeming, key=seeming.__getitem__)
            child = world.child(parent, FRESH + rollout * further + step)
            if child is not None:
                born[child] = world.truths[child].utility
                seeming[child] = born[child] + NOISE * rng.normal()
        best += max(born.values(), default=known)
        for name in born:
            del world.truths[name]
    return best / rollouts


# -------------------------------------------------------------------- both


def grown(trial: Trial) -> tuple[World, list[AnyEvent]]:
    """The log of one policy's run in one world. Raises what `play` raises."""
    world = World(family(trial.family), trial.seed, trial.k, trial.tasks)
    clock = Clock()
    config = settings(trial.policy)
    memory = Memory(world.root, world.tasks, lambda: clock.now, {"policy": to_builtins(config)}, keep=True)
    flight = Flight(world, clock, clock)
    run(memory, open_policy(config, trial.budget), flight, trial.slots, random_seed=trial.seed)
    return world, memory.events or []


def correlations(
    events: Sequence[AnyEvent], world: World | None, rng: "Generator", estimators: Iterable[Estimator] = ESTIMATORS
) -> list[Correlations]:
    """One for each estimator, all over the same agents. `world`: where the log comes from; None: no future is known."""
    estimators = tuple(estimators)
    points = past(events, estimators)
    targets = [point.target for point in points]
    weights = [float(point.evaluations) for point in points]
    even = [1.0] * len(points)
    tree = Tree(events)
    scores = {one.name: one.score(tree) for one in estimators}
    judged = [agent for agent in tree.agents if all(agent in one for one in scores.values())]
    if world is not None:
        judged = [agent for agent in judged if not world.truths[agent].broken]
    futures = [future(world, agent, rng) for agent in judged] if world is not None else []
    found = []
    for one in estimators:
        said = [point.scores[one.name] for point in points]
        found.append(
            Correlations(
                one.name,
                pearson(said, targets, weights),
                pearson(said, targets, even),
                pearson([scores[one.name][agent] for agent in judged], futures, [1.0] * len(judged)) if world else nan,
                len(points),
            )
        )
    return found


def pearson(x: Sequence[float], y: Sequence[float], weights: Sequence[float]) -> float:
    """Pearson's correlation with weights; NaN of fewer than `LEAST` pairs, or where one of the two does not vary."""
    import numpy as np

    if len(x) < LEAST:
        return nan
    w = np.asarray(weights) / np.sum(weights)
    a, b = (np.asarray(values) - np.dot(w, values) for values in (x, y))
    spread = float(np.dot(w, a * a) * np.dot(w, b * b))
    return float(np.dot(w, a * b)) / spread**0.5 if spread > 1e-18 else nan
