"""How a search is doing, against naive recomputations and golden numbers."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dgm.events import AnyEvent
from dgm.lineage.signals import SAMPLE, arrivals, correlation, discrimination, sampled, signals
from dgm.statistics import wilson
from dgm.tree import Tree
from tests.lineage.test_steps import outcomes, parents
from tests.worlds import logs


@given(logs(120))
def test_edges_are_what_the_log_says(log: list[AnyEvent]) -> None:
    known, above = outcomes(log), parents(log)
    pairs = [
        (known[parent][task], known[child][task], task)
        for child, parent in above.items()
        for task in known[child].keys() & known[parent].keys()
    ]
    found = signals(Tree(log))
    every = found.edges
    assert (every.children, every.shared) == (len(above), len(pairs))
    right = [after for before, after, _ in pairs if before]
    wrong = [after for before, after, _ in pairs if not before]
    assert (every.kept_right.count, every.kept_right.total) == (sum(right), len(right))
    assert (every.fixed_wrong.count, every.fixed_wrong.total) == (sum(wrong), len(wrong))
    assert every.differing.count == sum(before != after for before, after, _ in pairs)
    assert (every.kept_right.low, every.kept_right.high) == wilson(sum(right), len(right))
    if pairs:
        expected = []
        for _, _, task in pairs:
            told = [results[task] for results in known.values() if task in results]
            expected.append(np.mean([a != b for a, b in itertools.combinations(told, 2)]))
        assert every.strangers == pytest.approx(np.mean(expected))
    for parts in (found.by_depth, found.by_birth):
        assert sum(part.children for part in parts) == every.children
        assert sum(part.shared for part in parts) == every.shared


@given(logs(120))
def test_results_come_in_the_order_of_the_log(log: list[AnyEvent]) -> None:
    from dgm.events import JobStarted, TaskScored

    tree = Tree(log)
    jobs = {event.id: event.job.agent for event in log if isinstance(event, JobStarted)}
    told = [(tree.agents[jobs[e.job]].index, e.solved) for e in log if isinstance(e, TaskScored)]
    assert list(arrivals(tree)) == told


def anova(tallies: list[tuple[int, int]]) -> float:
    """The estimate from the textbook's table: a one-way analysis of variance of the single outcomes."""
    groups = [np.array([1.0] * solved + [0.0] * (tried - solved)) for solved, tried in tallies]
    every = np.concatenate(groups)
    k, total = len(groups), len(every)
    between = sum(len(g) * (g.mean() - every.mean()) ** 2 for g in groups) / (k - 1)
    within = sum(((g - g.mean()) ** 2).sum() for g in groups) / (total - k)
    size = (total - sum(len(g) ** 2 for g in groups) / total) / (k - 1)
    return float((between - within) / (between + (size - 1) * within))


TALLIES = st.lists(
    st.integers(1, 12).flatmap(lambda tried: st.tuples(st.integers(0, tried), st.just(tried))), min_size=3, max_size=9
)


@given(TALLIES)
def test_the_correlation_is_that_of_the_analysis_of_variance(tallies: list[tuple[int, int]]) -> None:
    found = discrimination(tallies)
    solved, total = sum(s for s, _ in tallies), sum(n for _, n in tallies)
    if total == len(tallies) or solved in (0, total):
        assert found.correlation is None
        return
    assert found.correlation == pytest.approx(anova(tallies), abs=1e-9)
    assert found.correlation is not None
    assert found.reliability is not None
    assert found.correlation <= 1 + 1e-9
    assert 0 <= found.reliability <= 1 + 1e-9
    if found.low is not None and found.high is not None:
        left = [anova(tallies[:n] + tallies[n + 1 :]) for n in range(len(tallies))]
        error = np.sqrt((len(left) - 1) ** 2 / len(left) * np.var(left, ddof=1))
        assert found.high == pytest.approx(min(found.correlation + 1.96 * error, 1.0), abs=1e-6)


def test_scores_that_separate_and_scores_that_do_not() -> None:
    apart = discrimination([(10, 10), (0, 10)] * 5)
    assert apart.correlation == pytest.approx(1.0)
    assert apart.reliability == pytest.approx(1.0)
    rng = np.random.default_rng(1)
    alike = discrimination([(int(rng.binomial(20, 0.5)), 20) for _ in range(400)])
    assert alike.correlation is not None
    assert alike.low is not None
    assert alike.high is not None
    assert alike.low < 0 < alike.high
    true = rng.beta(2, 2, 4000)  # an intraclass correlation of 1 / (2 + 2 + 1)
    told = discrimination([(int(rng.binomial(8, rate)), 8) for rate in true])
    assert told.correlation == pytest.approx(0.2, abs=0.02)
    assert told.reliability == pytest.approx(8 * 0.2 / (1 + 7 * 0.2), abs=0.03)
    assert told.needed == pytest.approx(0.7 * 0.8 / (0.3 * 0.2), abs=1.5)


def test_nothing_to_tell() -> None:
    assert correlation(1, 5, 25, 3, 1.8) is None
    for tallies in ([], [(1, 2)], [(1, 1), (0, 1)], [(2, 2), (3, 3)]):
        assert discrimination(tallies).correlation is None
    found = signals(Tree())
    assert found.edges.children == 0
    assert found.discrimination == ()


@given(logs(120))
def test_distances_are_those_of_some_children_of_each_group(log: list[AnyEvent]) -> None:
    tree = Tree(log)
    children = [agent for agent in tree.agents.values() if agent.parent]
    few = sampled(children)
    assert len(few) == len(set(few)) == min(len(children), SAMPLE)
    assert few == [child for child in children if child in few]
    every = signals(tree, distance=lambda child: child.index).edges
    assert every.lines == (np.median([child.index for child in few]) if few else None)
    assert signals(tree).edges.lines is None
