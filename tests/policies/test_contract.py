"""What every policy keeps, whatever it chooses."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dgm.config import PolicyConfig
from dgm.events import AgentBorn, AnyEvent, JobFailed, JobStarted, RunConfigured, TaskScored
from dgm.jobs import Evaluate, Job, Rewrite, TaskId, Verdict
from dgm.machine import stream
from dgm.policies import POLICIES, open_policy
from dgm.policies.budget import left, price, worth
from dgm.policies.choosing import Policy
from dgm.simulation.families import Family
from dgm.simulation.memory import NAME
from dgm.simulation.trial import Trial, play
from dgm.simulation.worlds import World
from dgm.tree import Tree
from tests.worlds import logs, snapshot

BY_EVALUATIONS = ("hgm", "hgm-released")
"""As in the paper, these stop after so many evaluations; with expansions that is what the account holds."""
EVERY = pytest.mark.parametrize("name", POLICIES)


def opened(name: str, budget: int) -> Policy:
    return open_policy(PolicyConfig(name=name, seed_evaluations=2, warm_start=2), budget)


def stands(name: str, budget: int, tree: Tree, job: Job | None) -> None:
    """Check that the account holds what `job` costs, and that None means that there is nothing to do."""
    k = price(tree, PolicyConfig().expansion_cost)
    rest = left(tree, budget, k)
    evaluations = budget - tree.evaluations - tree.evaluating if name in BY_EVALUATIONS else rest
    if job is not None:
        assert evaluations >= 1
        assert rest >= k or isinstance(job, Evaluate) or name in BY_EVALUATIONS
    elif not tree.running:
        assert evaluations < 1 or not len(tree.evaluable)
        assert evaluations < 1 or rest < k + 1 or not len(tree.expandable)


@EVERY
@settings(deadline=None, max_examples=25)
@given(log=logs(), budget=st.sampled_from([3, 12, 30, 1000]))
def test_a_choice_is_pure_and_can_follow_the_log(name: str, log: list[AnyEvent], budget: int) -> None:
    tree = Tree(log)
    before = snapshot(tree)
    policy = opened(name, budget)
    job = policy(tree, stream(0, tree))
    assert policy(tree, stream(0, tree)) == job
    assert snapshot(tree) == before
    again = Tree(log)
    assert job == opened(name, budget)(again, stream(0, again)), "equal logs, equal choices"
    assert job == policy(again, stream(0, again)), "whatever it has seen before"
    stands(name, budget, tree, job)
    if job is not None:
        tree.apply(JobStarted(99.0, tree.next_job, job))


def events(world: World, started: JobStarted, lost: frozenset[TaskId]) -> AnyEvent:
    """How a job ends in `world`; evaluations on the tasks `lost` fail for the environment's sake."""
    job = started.job
    if isinstance(job, Evaluate) and job.task in lost:
        return JobFailed(9.0, started.id, "infra", "no engine answers")
    outcome = world.do(world.assign(started))
    if isinstance(outcome, Verdict):
        return TaskScored(9.0, started.id, outcome.solved, outcome.usage)
    if isinstance(outcome, Rewrite):
        child = outcome.source[NAME].data.decode()
        return AgentBorn(9.0, child, child, job.agent, started.id, "", outcome.usage)
    return JobFailed(9.0, started.id, outcome.cause, outcome.reason, outcome.usage)


def grown(
    name: str, budget: int, slots: int, family: Family | None = None, lost: int = 0, missing: int = 0, compare: int = 17
) -> Tree:
    """A whole run; jobs end in a random order. Each `compare`-th choice is made anew from the log alone."""
    world = World(family or Family(name="test"), 5, 5.0, 14)
    tasks = world.tasks[missing:]
    log: list[AnyEvent] = [
        RunConfigured(1.0, "", {}, tasks, "", quarantined=dict.fromkeys(world.tasks[:missing], "flaky")),
        AgentBorn(1.0, world.root, world.root),
    ]
    tree, policy, rng = Tree(log), opened(name, budget), np.random.default_rng(0)
    ending: AnyEvent
    for _ in range(10_000):
        job = policy(tree, stream(3, tree)) if len(tree.running) < slots else None
        if len(tree.running) < slots:
            stands(name, budget, tree, job)
            if len(log) % compare == 0:
                again = Tree(log)
                assert opened(name, budget)(again, stream(3, again)) == job, "a resumed run goes on in the same way"
        if job is not None:
            ending = JobStarted(9.0, tree.next_job, job)
        elif tree.running:
            started = list(tree.running.values())[rng.integers(len(tree.running))]
            ending = events(world, started, frozenset(tasks[:lost]))
        else:
            return tree
        tree.apply(ending)
        log.append(ending)
    raise AssertionError("it does not end")


@EVERY
@pytest.mark.parametrize("slots", [1, 7])
def test_a_run_spends_its_budget_and_ends(name: str, slots: int) -> None:
    tree = grown(name, 60, slots)
    assert 60 / 2 < tree.evaluations <= worth(60, 5.0)
    assert tree.expansions >= 3
    if name not in BY_EVALUATIONS:
        assert tree.spent.usd <= worth(60, 5.0)


@EVERY
def test_a_seed_that_solves_nothing_can_still_grow(name: str) -> None:
    hopeless = Family(name="hopeless", guess=0.0, hard=60.0)
    for slots in (1, 7):
        tree = grown(name, 60, slots, hopeless)
        assert not tree.solved
        assert tree.expansions >= 3


@EVERY
def test_a_seed_without_living_children_ends_the_run(name: str) -> None:
    tree = grown(name, 60, 3, Family(name="barren", stillborn=1.0))
    assert len(tree.agents) == 1
    assert tree.patience <= tree.stillborn < tree.patience + 3, "no more than are under way at once"
    assert tree.evaluations == len(tree.tasks)


@EVERY
def test_tasks_that_are_given_up_or_left_out_hold_up_nothing(name: str) -> None:
    tree = grown(name, 50, 4, lost=3, missing=2)
    assert tree.failures["infra"]
    assert len(tree.agents) > 2
    assert not {task for agent in tree.agents.values() for task in agent.results} - set(tree.tasks[3:])


@EVERY
def test_no_task_can_be_scored_at_all(name: str) -> None:
    tree = grown(name, 12, 2, lost=14)
    assert not tree.evaluations


@EVERY
@pytest.mark.parametrize("slots", [1, 200])
def test_it_plays_on_the_simulated_clock(name: str, slots: int) -> None:
    ran = play(Trial(name, "hgm", 3, budget=150, slots=slots, tasks=30))
    assert ran.evaluations >= 75
    assert ran.expansions >= 3
    assert 0.0 <= ran.low <= ran.high <= 1.0
