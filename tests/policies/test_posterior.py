"""What is believed about agents is a function of the log, and is what its definition says."""

from collections import Counter

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from dgm.events import AgentBorn, AnyEvent, JobStarted, RunConfigured, TaskScored
from dgm.jobs import AgentId, Evaluate, TaskId
from dgm.policies.heredity import Floats, Heredity
from dgm.policies.posterior import POOL, SEED, Posterior
from dgm.tree import Tree
from tests.policies.trees import bear, score
from tests.worlds import TASKS, logs, name

TAU, WALK = 0.65, 0.22


@st.composite
def amended(draw: st.DrawFn) -> list[AnyEvent]:
    """A log in which tasks were added or left out somewhere, and results on the new ones at the end."""
    log = draw(logs())
    added = tuple(f"toy/new-{n}" for n in range(draw(st.integers(0, 3))))
    tasks = added + TASKS[draw(st.integers(0, 2)) :] if draw(st.booleans()) else TASKS + added
    where = draw(st.integers(1, len(log)))
    log.insert(where, RunConfigured(1.0, "0", {}, tasks, "v1"))
    tree = Tree(log)
    for agent in tree.agents:
        for task in draw(st.sets(st.sampled_from(added))) if added else ():
            events = (
                JobStarted(99.0, tree.next_job, Evaluate(agent, task)),
                TaskScored(99.0, tree.next_job, draw(st.booleans())),
            )
            for event in events:
                tree.apply(event)
                log.append(event)
    return log


def milestones() -> list[int]:
    found = [1]
    while found[-1] < 1000:
        found.append(max(found[-1] + 5, int(found[-1] * 1.1)))
    return found


def results(log: list[AnyEvent]) -> list[tuple[AgentId, TaskId, bool]]:
    """In the order in which they came in."""
    jobs = {event.id: event.job for event in log if isinstance(event, JobStarted)}
    found = []
    for event in log:
        if isinstance(event, TaskScored):
            job = jobs[event.job]
            assert isinstance(job, Evaluate)
            found.append((job.agent, job.task, event.solved))
    return found


def defined(log: list[AnyEvent]) -> Heredity:
    """The beliefs by their definition, from the log alone."""
    born = [event for event in log if isinstance(event, AgentBorn)]
    number = {event.agent: index for index, event in enumerate(born)}
    heredity = Heredity(SEED, TAU, WALK)
    for event in born:
        heredity.join(None if event.parent is None else number[event.parent])
    had = results(log)
    counted = had[: max((mark for mark in milestones() if mark <= len(had)), default=0)]
    tried = Counter(task for _, task, _ in counted)
    won = Counter(task for _, task, solved in counted if solved)
    overall = (won.total() + 1) / (tried.total() + 2)
    for index, event in enumerate(born):
        own = [(task, solved) for agent, task, solved in had if agent == event.agent]
        rates = [(won[task] + POOL * overall) / (tried[task] + POOL) for task, _ in own]
        observed, expected = sum(solved for _, solved in own), sum(rates)
        heredity.tell(index, sum(rate * (1 - rate) for rate in rates), observed - expected)
    heredity.settle()
    return heredity


def seen(posterior: Posterior) -> tuple[Floats, Floats]:
    return posterior.heredity.mean.copy(), posterior.heredity.cov.copy()


@settings(deadline=None)
@given(st.one_of(logs(most=120), amended()), st.data())
def test_following_a_log_is_reading_it_at_once(log: list[AnyEvent], data: st.DataObject) -> None:
    """To the last bit, however often it is looked at."""
    tree, posterior = Tree(), Posterior(TAU, WALK)
    every = data.draw(st.sampled_from([1, 2, 3, 7, 20]))
    for number, event in enumerate(log):
        tree.apply(event)
        if number % every == every - 1:
            posterior.follow(tree)
    posterior.follow(tree)
    at_once = Posterior(TAU, WALK)
    at_once.follow(Tree(log))
    for ours, theirs in zip(seen(posterior), seen(at_once), strict=True):
        assert np.array_equal(ours, theirs)
    assert sorted(posterior.rates) == sorted(at_once.rates)


@settings(deadline=None)
@given(st.one_of(logs(most=120), amended()))
def test_evidence_is_what_was_solved_beyond_what_was_expected(log: list[AnyEvent]) -> None:
    posterior, expected = Posterior(TAU, WALK), defined(log)
    posterior.follow(Tree(log))
    np.testing.assert_allclose(posterior.heredity.mean, expected.mean, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(posterior.heredity.cov, expected.cov, rtol=1e-9, atol=1e-12)


def test_rates_change_at_milestones_only() -> None:
    tree, posterior = seeded(), Posterior(TAU, WALK)
    before, changed = 0.5, []
    for number in range(1, 121):
        bear(tree, number, 0)
        score(tree, number, TASKS[0], number % 3 == 0)
        posterior.follow(tree)
        if float(posterior.rates[0]) != before:
            before = float(posterior.rates[0])
            changed.append(tree.evaluations)
    assert changed == [mark for mark in milestones() if mark <= 120]


def test_who_met_hard_tasks_is_not_worse_for_it() -> None:
    """Agents 1 and 2 solved one of two tasks each; nobody else solves those of agent 2."""
    tree = seeded()
    for number in range(1, 9):
        bear(tree, number, 0)
        easy, hard = (number != 2) * 2, (number != 1) * 2
        for n in range(easy):
            score(tree, number, TASKS[n], number != 1 or n == 0)
        for n in range(2, 2 + hard):
            score(tree, number, TASKS[n], number == 2 and n == 2)
    posterior = Posterior(TAU, WALK)
    posterior.follow(tree)
    ability = posterior.heredity.mean[:, 0]
    assert ability[2] > ability[0] > ability[1]


def seeded() -> Tree:
    return Tree([RunConfigured(1.0, "0", {}, TASKS, ""), AgentBorn(1.0, name(0), name(0))])
