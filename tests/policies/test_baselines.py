"""The baselines on HGM's schedule, and HGM as released: checked against their definitions."""

from collections import Counter
from itertools import permutations
from math import inf, log, sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dgm.config import PolicyConfig
from dgm.events import AgentBorn, AnyEvent, JobFailed, JobStarted, RunConfigured, TaskScored
from dgm.jobs import Evaluate, Expand
from dgm.policies.best_of_n import BestOfN
from dgm.policies.greedy import Greedy
from dgm.policies.hgm import HGM
from dgm.policies.hgm_released import LONG, Released, looked
from dgm.policies.random import Random
from dgm.policies.thompson_own import ThompsonOwn
from dgm.policies.uct import UCT
from dgm.tree import Tree
from tests.policies.trees import agents_of, bear, score, tree_of
from tests.worlds import TASKS, logs, name

MANY = 10_000
TALLIES = ((3, 3), (2, 1), (4, 1), (4, 1), (0, 4))
"""The seed's and those of four children."""


def shares(policy: HGM, tree: Tree, expanding: bool, times: int = 1000) -> list[float]:
    choose = policy.expand if expanding else policy.evaluate
    found = agents_of(Counter(choose(tree, 1.0, np.random.default_rng([5, n])) for n in range(times)))
    return [found[agent] / times for agent in tree.agents]


def test_greedy_takes_the_highest_posterior_mean() -> None:
    for expanding in (True, False):
        assert shares(Greedy(MANY), tree_of(*TALLIES), expanding) == pytest.approx([0, 0, 0.5, 0.5, 0], abs=0.05)


def test_random_takes_anyone() -> None:
    for expanding in (True, False):
        assert shares(Random(MANY), tree_of(*TALLIES), expanding) == pytest.approx([0.2] * 5, abs=0.05)


def test_best_of_n_expands_the_seed_alone_and_evaluates_as_hgm_does() -> None:
    tree = tree_of(*TALLIES)
    assert shares(BestOfN(MANY), tree, True, 20) == [1, 0, 0, 0, 0]
    assert shares(BestOfN(MANY), tree, False, 100) == shares(HGM(MANY), tree, False, 100)


def test_parents_by_their_own_record_are_those_that_hgm_would_evaluate() -> None:
    tree = tree_of(*TALLIES)
    bear(tree, 5, 4)
    for n in range(4):
        score(tree, 5, f"toy/{n}", True)
    assert shares(ThompsonOwn(MANY), tree, True, 300) == shares(HGM(MANY), tree, False, 300)
    assert shares(HGM(MANY), tree, True, 300)[4] > 3 * shares(ThompsonOwn(MANY), tree, True, 300)[4]


# ---------------------------------------------------------------- uct


def index(solved: int, tried: int, total: int) -> float:
    return solved / tried + 0.5 * sqrt(log(total) / tried) if tried else inf


@settings(deadline=None, max_examples=25)
@given(log=logs())
def test_uct_goes_down_by_ucb_until_there_is_room_for_a_child(log: list[AnyEvent]) -> None:
    tree = Tree(log)
    below = {agent.id: [a for a in tree.agents.values() if agent in a.upwards()] for agent in tree.agents.values()}
    tried = {id: sum(a.evaluations + len(a.evaluating) for a in clade) for id, clade in below.items()}
    alive = {id for id, clade in below.items() if any(a.index in tree.expandable for a in clade)}
    ends, paths = set(), [tree.seeds[0]] if tree.seeds[0].id in alive else []
    while paths:
        agent = paths.pop()
        children = [child for child in agent.children if child.id in alive]
        room = len(agent.children) + agent.expanding <= tried[agent.id] ** 0.3
        if agent.index in tree.expandable and (room or not children):
            ends.add(agent.id)
        else:
            values = [index(c.clade_solved, tried[c.id], tried[agent.id]) for c in children]
            paths += [child for child, value in zip(children, values, strict=True) if value == max(values)]
    parents = {UCT(MANY).expand(tree, 1.0, np.random.default_rng(n)) for n in range(5)}
    assert {job.agent for job in parents if job} <= ends
    assert (None in parents) == (not ends)


def test_uct_evaluates_by_ucb_and_takes_evaluations_under_way_for_failures() -> None:
    tree = tree_of((2, 2), (3, 1), (1, 0))
    values = [index(2, 4, 9), index(3, 4, 9), index(1, 1, 9)]
    assert shares(UCT(MANY), tree, False, 10) == [0, 0, 1]
    assert values[2] == max(values)
    tree.apply(JobStarted(1.0, tree.next_job, Evaluate(name(2), "toy/1")))
    tree.apply(JobStarted(1.0, tree.next_job, Evaluate(name(2), "toy/2")))
    values = [index(2, 4, 11), index(3, 4, 11), index(1, 3, 11)]
    assert values[1] == max(values)
    assert shares(UCT(MANY), tree, False, 10) == [0, 1, 0]


# ---------------------------------------------------------------- hgm-released


class Node:
    """The released code's, in short: reading a clade extends the list of its root."""

    def __init__(self) -> None:
        self.results: list[float] = []
        self.children: list[Node] = []

    def below(self) -> "list[Node]":
        return [node for child in self.children for node in (child, *child.below())]

    def look(self, most: int) -> list[float]:
        found = self.results if len(self.results) < most else [sum(self.results) / len(self.results)] * most
        for node in self.below():
            found += node.results
        return found


@settings(deadline=None)
@given(data=st.data())
def test_the_released_counts_are_those_of_lists_that_are_extended_in_place(data: st.DataObject) -> None:
    tree, nodes, policy = tree_of((0, 0)), [Node()], Released(MANY)
    tasks = tuple(f"toy/{n}" for n in range(20))
    tree.apply(RunConfigured(1.0, "0", {}, tasks, ""))
    for _ in range(data.draw(st.integers(0, 40))):
        number = data.draw(st.integers(0, len(nodes) - 1))
        agent = tree.agent(number)
        if len(nodes) < 8 and data.draw(st.integers(0, 2)) == 0:
            for node in nodes:
                if sum(node.results) > 0:
                    node.look(LONG)
            nodes[number].children.append(Node())
            nodes.append(nodes[number].children[-1])
            bear(tree, len(nodes) - 1, number)
        elif len(agent.results) < len(tasks):
            solved = data.draw(st.booleans())
            nodes[number].results.append(solved)
            score(tree, number, tree.untried(agent)[0], solved)
        if data.draw(st.booleans()):
            expected = [len(node.results) for node in nodes], [sum(node.results) for node in nodes]
            assert policy.counts(tree) == expected
    assert Released(MANY).counts(tree) == ([len(n.results) for n in nodes], [sum(n.results) for n in nodes])


def test_a_released_list_that_is_long_enough_is_stood_for_by_its_mean() -> None:
    tree = tree_of((1, 0), (1, 0), (1, 0))
    tried, solved = [LONG * 2, 4, 5], [LONG, 2, 4]
    assert looked(tree, (tried, solved)) == ([LONG + 9, 4, 5], [LONG // 2 + 6, 2, 4])


def test_released_failures_are_free_and_inflate() -> None:
    tree = tree_of((2, 0), (0, 2))
    assert Released(MANY).counts(tree) == ([2, 2], [2, 0])
    for _ in range(2):
        tree.apply(JobStarted(1.0, tree.next_job, Expand(name(0))))
        tree.apply(JobFailed(1.0, tree.next_job - 1, "stillborn", "it is empty"))
    assert Released(MANY).counts(tree) == ([6, 2], [2, 0])
    plain = PolicyConfig(seed_evaluations=0, warm_start=0)  # 4 ** .6 = 2.3 >= 2 agents - the seed, and more
    assert isinstance(Released(MANY, plain)(tree, np.random.default_rng(0)), Expand)
    assert isinstance(HGM(MANY, plain)(tree, np.random.default_rng(0)), Evaluate)


def test_released_counts_are_of_one_run_and_in_the_order_of_jobs() -> None:
    """What ended in another order, or in another run, leaves no trace in the counts."""
    policy = Released(MANY)
    begun: list[AnyEvent] = [RunConfigured(1.0, "0", {}, TASKS, ""), AgentBorn(1.0, name(0), name(0))]
    begun += [JobStarted(1.0, 1, Evaluate(name(0), TASKS[0])), JobStarted(1.0, 2, Expand(name(0)))]
    begun += [JobStarted(1.0, 3, Evaluate(name(0), TASKS[1]))]
    ends: tuple[AnyEvent, ...] = (
        TaskScored(2.0, 1, True),
        AgentBorn(2.0, name(1), name(1), name(0), 2),
        TaskScored(2.0, 3, False),
    )
    for order in permutations(ends):
        tree = Tree(begun)
        for length, end in enumerate(order, 1):
            tree.apply(end)
            assert policy.counts(tree) == Released(MANY).counts(Tree([*begun, *order[:length]]))
        assert policy.counts(tree) == ([2, 0], [1, 0])
