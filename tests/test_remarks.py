"""What is said of runs that get nowhere."""

from dgm.events import AnyEvent, RunConfigured
from dgm.remarks import remarks
from dgm.tree import Tree
from tests.policies.trees import bear, score, tree_of


def configured(tree: Tree, **run: object) -> Tree:
    event: AnyEvent = RunConfigured(1.0, "0", {"run": run, "policy": {"seed_evaluations": 3}}, tree.tasks, "")
    tree.apply(event)
    return tree


def words(tree: Tree) -> list[str]:
    return [remark.words for remark in remarks(tree)]


def test_nothing_is_said_of_a_run_that_has_only_begun() -> None:
    assert words(Tree()) == []
    assert words(configured(tree_of((0, 2)), evaluations=10)) == []
    assert words(configured(tree_of((2, 2), (1, 0)), evaluations=100)) == []


def test_a_seed_that_solves_nothing_is_pointed_out() -> None:
    tree = configured(tree_of((0, 3)), evaluations=100)
    assert "not solved any of the 3 tasks" in words(tree)[0]
    bear(tree, 1, 0)
    score(tree, 1, tree.tasks[0], False)
    assert "nor have its descendants in 1 evaluation" in words(tree)[0]
    score(tree, 1, tree.tasks[1], True)
    assert words(tree) == [], "a child has"


def test_few_tasks_are_enough_to_tell() -> None:
    tree = configured(tree_of((0, 2)), evaluations=100)
    tree.apply(RunConfigured(1.0, "0", {"policy": {"seed_evaluations": 10}}, tree.tasks[:2], ""))
    assert "any of the 2 tasks" in words(tree)[0]


def test_a_long_time_without_a_better_agent_is_pointed_out() -> None:
    tree = configured(tree_of((1, 3), (4, 0), (1, 1), (0, 2), (0, 1)), evaluations=15)
    assert remarks(tree)[0].about == f"stagnation {tree.agent(1).id}"
    assert f"better than {tree.agent(1).id[:8]} in the last 9 evaluations" in words(tree)[0]
    assert "60% of the budget; 3 younger agents" in words(tree)[0]
    assert words(configured(tree, evaluations=60)) == [], "it is a small part of this budget"


def test_children_that_are_no_better_than_the_seed_are_pointed_out() -> None:
    tree = configured(tree_of((4, 0), (1, 1), (0, 3), (0, 1)), evaluations=12)
    assert "better than the seed in the last 6 evaluations (50% of the budget; 3 younger agents)" in words(tree)[0]


def test_expansions_are_part_of_a_budget_that_a_policy_splits() -> None:
    tree = tree_of((4, 0), (1, 1), (0, 3), (0, 1))
    config = {"run": {"evaluations": 100}, "policy": {"name": "race", "expansion_cost": 40.0}}
    tree.apply(RunConfigured(1.0, "0", config, tree.tasks, ""))
    assert words(tree) == []
    config = {"run": {"evaluations": 12}, "policy": {"name": "race", "expansion_cost": 40.0}}
    tree.apply(RunConfigured(1.0, "0", config, tree.tasks, ""))
    assert "in the last 6 evaluations (66% of the budget" in words(tree)[0]
