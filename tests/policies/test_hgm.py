"""The choice: HGM's Algorithm 1, checked against its definition."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dgm.config import PolicyConfig
from dgm.events import AgentBorn, JobFailed, JobStarted, RunConfigured
from dgm.jobs import Evaluate, Expand
from dgm.machine import stream
from dgm.policies.choosing import study, thompson
from dgm.policies.hgm import HGM
from dgm.pool import Pool
from dgm.simulation.trial import Trial, play
from dgm.tree import Tree
from tests.policies.trees import agents_of, choices, score, tree_of
from tests.worlds import TASKS, name

PLAIN = PolicyConfig(seed_evaluations=0, warm_start=0)


@settings(deadline=None, max_examples=25)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=30), st.sampled_from([1.0, 3.0]))
def test_a_draw_for_each_tally_is_as_good_as_a_draw_for_each_agent(tallies: list[tuple[int, int]], tau: float) -> None:
    pool = Pool()
    for agent, tally in enumerate(tallies):
        pool.put(agent, *tally)
    rng = np.random.default_rng(1)
    times = 1500
    ours = np.bincount([thompson(pool, tau, rng) or 0 for _ in range(times)], minlength=len(tallies))
    counts = np.array(tallies, dtype=float)
    draws = rng.beta(tau * (1 + counts[:, 0]), tau * (1 + counts[:, 1]), size=(times, len(tallies)))
    theirs = np.bincount(draws.argmax(axis=1), minlength=len(tallies))
    spread = np.sqrt(ours + theirs + 4.0)
    assert np.all(np.abs(ours - theirs) < 5 * spread)


def test_it_expands_while_the_evaluations_outgrow_the_agents() -> None:
    policy = HGM(1000, PLAIN)
    narrow = tree_of((3, 3))  # 6 ** .6 = 2.93 >= 1 agent
    wide = tree_of((1, 0), (1, 1), (0, 1))  # 4 ** .6 = 2.3 < 3 agents
    assert all(isinstance(job, Expand) for job in choices(policy, narrow))
    assert all(isinstance(job, Evaluate) for job in choices(policy, wide))


def test_expansions_under_way_and_failed_ones_count_as_agents() -> None:
    policy = HGM(1000, PLAIN)
    for cause in (None, "stillborn"):
        tree = tree_of((3, 3))
        for _ in range(2):
            tree.apply(JobStarted(1.0, tree.next_job, Expand(name(0))))
            if cause:
                tree.apply(JobFailed(1.0, tree.next_job - 1, cause, "it is unchanged"))
        assert all(isinstance(job, Evaluate) for job in choices(policy, tree)), cause


def test_a_parent_is_drawn_by_its_clade_and_an_evaluation_by_its_own_tally() -> None:
    """Agents 1 and 2 have failed alike, but a child of agent 1 has solved everything."""
    tree = tree_of((0, 3), (0, 3), (0, 3))
    tree.apply(JobStarted(1.0, tree.next_job, Expand(name(1))))
    tree.apply(AgentBorn(1.0, name(3), name(3), name(1), tree.next_job - 1))
    for n in range(3):
        score(tree, 3, f"toy/{n}", True)
    rng = np.random.default_rng(3)
    policy = HGM(1000, PLAIN)
    parents = agents_of(Counter(policy.expand(tree, 1.0, rng) for _ in range(1000)))
    tried = agents_of(Counter(policy.evaluate(tree, 1.0, rng) for _ in range(1000)))
    assert parents[name(1)] > 3 * parents[name(2)]
    assert 0.5 < (tried[name(1)] + 1) / (tried[name(2)] + 1) < 2.0


def test_a_seed_that_solves_nothing_can_still_grow() -> None:
    tree = tree_of((0, 30))
    assert all(isinstance(job, Expand) for job in choices(HGM(1000, PLAIN), tree))


def test_the_opening_evaluates_the_seed_and_then_expands_it() -> None:
    policy = HGM(100, PolicyConfig(seed_evaluations=2, warm_start=2))
    tree = Tree([RunConfigured(1.0, "0", {}, TASKS, ""), AgentBorn(1.0, name(0), name(0))])
    kinds = []
    for n in range(4):
        job = policy(tree, stream(0, tree))
        assert job is not None
        kinds.append(type(job))
        tree.apply(JobStarted(1.0, n + 1, job))
    assert kinds == [Evaluate, Evaluate, Expand, Expand]


def test_warm_expansions_that_fail_are_not_repeated_without_end() -> None:
    policy = HGM(100, PolicyConfig(seed_evaluations=0, warm_start=5, patience=3))
    tree = Tree([RunConfigured(1.0, "0", {}, TASKS, ""), AgentBorn(1.0, name(0), name(0))])
    expansions = 0
    while isinstance(job := policy(tree, stream(0, tree)), Expand):
        tree.apply(JobStarted(1.0, tree.next_job, job))
        tree.apply(JobFailed(1.0, tree.next_job - 1, "stillborn", "it is empty"))
        expansions += 1
    assert expansions == 3
    assert isinstance(job, Evaluate)


def test_nothing_is_asked_for_once_the_budget_is_spent_or_under_way() -> None:
    assert HGM(6, PLAIN)(tree_of((3, 3)), np.random.default_rng(0)) is None
    assert HGM(5, PLAIN)(tree_of((3, 3)), np.random.default_rng(0)) is None, "overspent, as after an amended budget"
    tree = tree_of((3, 2))
    tree.apply(JobStarted(1.0, tree.next_job, Evaluate(name(0), "toy/5")))
    assert HGM(6, PLAIN)(tree, np.random.default_rng(0)) is None


def test_cooling_sharpens_the_draws_as_the_budget_runs_out() -> None:
    tree = tree_of((6, 4), (4, 6))
    early = choices(HGM(10_000, PLAIN), tree)
    late = choices(HGM(21, PLAIN), tree)
    assert sum(n for job, n in late.items() if job and job.agent == name(0)) > sum(
        n for job, n in early.items() if job and job.agent == name(0)
    )


@pytest.mark.parametrize("seed", range(5))
def test_the_evidence_is_a_failure_of_the_parent_or_of_its_nearest_ancestor(seed: int) -> None:
    rng = np.random.default_rng(seed)
    tree = tree_of((1, 2), (1, 0))
    assert study(tree.agents[name(0)], rng) in {"toy/1", "toy/2"}
    assert study(tree.agents[name(1)], rng) in {"toy/1", "toy/2"}
    assert study(tree_of((2, 0)).agents[name(0)], rng) is None


def test_no_evidence_is_used_twice_before_all_has_been_used_once() -> None:
    tree = tree_of((0, 4))
    used = []
    for n in range(8):
        used.append(study(tree.agents[name(0)], np.random.default_rng(n)))
        tree.apply(JobStarted(1.0, tree.next_job, Expand(name(0), used[-1])))
    assert sorted(used[:4]) == sorted(used[4:]) == ["toy/0", "toy/1", "toy/2", "toy/3"]  # type: ignore[type-var]


def test_a_budget_that_needs_more_agents_than_the_schedule_is_spent_all_the_same() -> None:
    """Two tasks and many stillborn children: the account is empty long before all evaluations are done."""
    ran = play(Trial("hgm", "null", 1, budget=120, tasks=2), curve=False)
    assert ran.evaluations == 120
