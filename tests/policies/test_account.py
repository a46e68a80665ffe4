"""What was spent of a budget, in numbers and in words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dgm.events import RunConfigured
from dgm.flight import End
from dgm.machine import finished
from dgm.policies.account import account, most_jobs
from dgm.policies.budget import CREDENCE, WIDENING
from dgm.tree import Tree
from tests.policies.trees import tree_of


def told(name: str, budget: int, *results: tuple[int, int]) -> Tree:
    tree = tree_of(*results)
    config = {"run": {"evaluations": budget}, "policy": {"name": name, "expansion_cost": 5.0}}
    tree.apply(RunConfigured(1.0, "0", config, tree.tasks, ""))
    return tree


def test_hgm_counts_evaluations() -> None:
    spent = account(told("hgm", 32, (1, 3), (2, 2)))
    assert (spent.spent, spent.whole, spent.share) == (8, 32, 0.25)
    assert spent.words() == "8 of 32 evaluations, and 1 expansion"


@pytest.mark.parametrize("name", ["race", "dgm", "sica", "a.path"])
def test_others_count_expansions_too(name: str) -> None:
    spent = account(told(name, 32, (1, 3), (2, 2), (0, 1)))
    assert (spent.spent, spent.whole) == (19, 72)
    assert spent.words() == "19 of 72 evaluations' worth (9 evaluations, 2 expansions at 5 each)"


def test_a_budget_that_was_never_set_is_no_trouble() -> None:
    assert account(Tree()).share == 0.0
    assert finished(lambda tree, rng: None, tree_of((1, 1))) == End(0, "the budget is spent")


def ending(tree: Tree) -> str:
    return finished(lambda tree, rng: None, tree).reason


def test_a_run_that_ends_says_what_of_its_budget_is_spent() -> None:
    assert ending(told("hgm", 8, (1, 3), (2, 2))) == "the budget is spent: 8 of 8 evaluations, and 1 expansion"
    assert ending(told("sica", 8, *[(1, 0)] * 6)).startswith("the budget is spent: 31 of 25 evaluations' worth")
    assert ending(told("race", 90, (1, 3))).startswith("the policy wants no more jobs, after 4 of 164 evaluations'")
    done = told("race", 90, (1, 3))
    done.apply(RunConfigured(1.0, "0", done.config, done.tasks[:4], ""))
    assert ending(done).startswith("nothing is left to try: every agent has met every task or was given up, after 4")


@given(
    evaluation=st.floats(0.001, 1.0),
    expansion=st.floats(0.001, 1.0),
    expected=st.floats(0.0, 30.0),
    budget=st.integers(1, 2000),
    expansions=st.integers(0, 3000),
)
def test_no_split_of_a_budget_costs_more_than_was_said(
    evaluation: float, expansion: float, expected: float, budget: int, expansions: int
) -> None:
    """As many evaluations as the account holds beside so many expansions, each job at a dollar or less."""
    k = (CREDENCE * expected + expansions * expansion / evaluation) / (CREDENCE + expansions)
    evaluations = budget + k * budget**WIDENING - k * expansions
    if evaluations >= 0:
        assert evaluations * evaluation + expansions * expansion <= most_jobs(budget, expected, False, 0.6) + 1e-6
