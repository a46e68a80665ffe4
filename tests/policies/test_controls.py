"""The policies of control arms: the seed again and again, and money as the budget."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dgm.config import PolicyConfig
from dgm.events import AgentBorn, AnyEvent, JobStarted, RunConfigured, TaskScored
from dgm.jobs import Evaluate, Usage
from dgm.machine import stream
from dgm.policies import RESAMPLE, open_policy
from dgm.policies.account import account
from dgm.policies.metered import Metered, metered, unspent
from dgm.policies.resample import Resample
from dgm.tree import Tree
from tests.worlds import logs, snapshot

TASKS = ("toy/0", "toy/1", "toy/2")


def seeds(count: int) -> list[AnyEvent]:
    settings = {"run": {"evaluations": 7}, "policy": {"name": RESAMPLE}}
    born = [AgentBorn(1.0, f"{n:040x}", "0" * 40) for n in range(count)]
    return [RunConfigured(1.0, "", settings, TASKS, ""), *born]


def spent(tree: Tree, usd: float, budget: int = 7, slots: int = 1, money: float = 0.0) -> Tree:
    """Drive it to its end; each evaluation costs `usd`."""
    policy = open_policy(PolicyConfig(name=RESAMPLE, usd=money), budget)
    while True:
        job = policy(tree, stream(0, tree)) if len(tree.running) < slots else None
        if job is not None:
            tree.apply(JobStarted(1.0, tree.next_job, job))
        elif tree.running:
            tree.apply(TaskScored(1.0, min(tree.running), True, Usage(usd)))
        else:
            return tree


@pytest.mark.parametrize("slots", [1, 3, 20])
def test_repetitions_are_whole_but_for_the_last(slots: int) -> None:
    tree = spent(Tree(seeds(4)), 0.0, slots=slots)
    assert [seed.evaluations for seed in tree.seeds] == [3, 3, 1, 0]
    orders = [list(seed.results) for seed in tree.seeds]
    assert orders[0] == orders[1], "the same order in each, so that a part of one is paired with the others"
    assert orders[2] == orders[0][:1]
    assert account(tree).exhausted
    assert account(tree).words() == "7 of 7 evaluations, and 0 expansions"


def test_it_ends_where_there_are_no_more_repetitions() -> None:
    tree = spent(Tree(seeds(1)), 0.0)
    assert tree.evaluations == 3


@settings(deadline=None, max_examples=40)
@given(log=logs(), usd=st.sampled_from([0.01, 1.0, 50.0]))
def test_money_as_the_budget_is_pure_and_only_ever_ends(log: list[AnyEvent], usd: float) -> None:
    tree = Tree(log)
    before = snapshot(tree)
    without, limited = (open_policy(PolicyConfig(usd=money), 1000) for money in (0.0, usd))
    assert isinstance(limited, Metered)
    job = limited(tree, stream(0, tree))
    assert job == (without(tree, stream(0, tree)) if unspent(tree, usd, 5.0) > 0 else None)
    assert snapshot(tree) == before
    assert unspent(tree, usd, 5.0) <= usd - metered(tree)
    assert 0 <= metered(tree) <= tree.spent.usd


def test_it_spends_the_money_and_not_one_job_more_than_that() -> None:
    for slots in (1, 2, 5):
        tree = spent(Tree(seeds(9)), 0.1, budget=1000, slots=slots, money=1.0)
        assert tree.spent.usd == pytest.approx(1.0, abs=0.1001)
    assert "policy.usd" in Metered(Resample(1000), PolicyConfig(usd=1.0)).ending(tree)
    assert Metered(Resample(1000), PolicyConfig(usd=9.0)).ending(tree) == ""


def test_what_is_under_way_counts_as_what_jobs_have_cost() -> None:
    tree = Tree(seeds(9))
    for n in range(4):
        tree.apply(JobStarted(1.0, n + 1, Evaluate(tree.seeds[n].id, TASKS[0])))
    assert unspent(tree, 1.0, 5.0) == 1.0, "nothing is known of what they cost"
    tree.apply(TaskScored(1.0, 1, True, Usage(0.3)))
    assert unspent(tree, 1.0, 5.0) == pytest.approx(1.0 - 4 * 0.3)


def test_all_else_is_the_policys_own() -> None:
    race = open_policy(PolicyConfig(name="race", usd=1.0), 60)
    assert hasattr(race, "best")
    assert not hasattr(open_policy(PolicyConfig(name="hgm", usd=1.0), 60), "best")
