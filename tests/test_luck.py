"""What luck alone gives, against SciPy, by counting all cases, and by what has to hold for any numbers."""

from collections import Counter
from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from dgm import belief
from dgm.luck import distribution, expected_best, expected_choice, pass_at

RATES = st.lists(st.floats(0, 1), max_size=8)


@pytest.mark.parametrize(
    ("n", "solved", "k", "expected"),
    [
        (1, 0, 1, 0.0),
        (1, 1, 1, 1.0),
        (10, 3, 1, 0.3),
        (5, 2, 2, 0.7),  # 1 - C(3,2)/C(5,2) = 1 - 3/10
        (10, 5, 5, 1 - 1 / 252),
    ],
)
def test_pass_at_k_by_hand(n: int, solved: int, k: int, expected: float) -> None:
    assert pass_at(n, solved, k) == pytest.approx(expected)


@given(st.integers(1, 7), st.data())
def test_pass_at_k_is_the_share_of_choices_with_a_success(n: int, data: st.DataObject) -> None:
    solved, k = data.draw(st.integers(0, n)), data.draw(st.integers(1, n))
    choices = list(combinations([True] * solved + [False] * (n - solved), k))
    assert pass_at(n, solved, k) == pytest.approx(sum(map(any, choices)) / len(choices))


def test_pass_at_k_has_no_bias() -> None:
    n, k, rate = 12, 4, 0.2
    mean = sum(binom.pmf(solved, n, rate) * pass_at(n, solved, k) for solved in range(n + 1))
    assert mean == pytest.approx(1 - (1 - rate) ** k)


@given(st.integers(1, 60), st.data())
def test_pass_at_k_grows_with_tries_and_successes(n: int, data: st.DataObject) -> None:
    solved, k = data.draw(st.integers(0, n)), data.draw(st.integers(1, n))
    here = pass_at(n, solved, k)
    assert 0 <= here <= 1
    assert pass_at(n, solved, 1) == pytest.approx(solved / n)
    assert pass_at(n, solved, n) == float(solved > 0)
    if k < n:
        assert pass_at(n, solved, k + 1) >= here
    if solved < n:
        assert pass_at(n, solved + 1, k) >= here


@pytest.mark.parametrize(("n", "solved", "k"), [(0, 0, 1), (3, 4, 1), (3, -1, 1), (3, 1, 0), (3, 1, 4)])
def test_pass_at_k_of_impossible_numbers_is_refused(n: int, solved: int, k: int) -> None:
    with pytest.raises(ValueError, match="pass@"):
        pass_at(n, solved, k)


@given(RATES)
def test_the_distribution_is_that_of_independent_tasks(rates: list[float]) -> None:
    chances = [0.0] * (len(rates) + 1)
    for outcome in product([0, 1], repeat=len(rates)):
        chances[sum(outcome)] += float(np.prod([r if o else 1 - r for r, o in zip(rates, outcome, strict=True)]))
    assert distribution(rates) == pytest.approx(chances, abs=1e-12)


def test_the_luckiest_of_equal_agents_golden() -> None:
    # n agents on T tasks of one rate: sum over x of 1 - binom.cdf(x, T, rate) ** n, by SciPy
    for n, tasks, rate in ((1, 20, 0.3), (10, 20, 0.3), (25, 60, 0.5)):
        golden = float(np.sum(1 - binom.cdf(np.arange(tasks), tasks, rate) ** n))
        assert expected_best([rate] * tasks, n) == pytest.approx(golden)
    assert expected_best([0.5] * 60, 25) == pytest.approx(37.55, abs=0.05)
    assert expected_best([0.5], 2) == pytest.approx(0.75)


@given(RATES, st.integers(1, 30))
def test_the_luckiest_is_between_the_mean_and_all_that_can_be_solved(rates: list[float], n: int) -> None:
    here = expected_best(rates, n)
    assert expected_best(rates, 1) == pytest.approx(sum(rates))
    assert sum(rates) - 1e-9 <= here <= expected_best(rates, n + 1) + 1e-9
    assert here <= sum(rate > 0 for rate in rates) + 1e-9


def test_tasks_that_are_sure_leave_nothing_to_luck() -> None:
    assert expected_best([1.0, 0.0, 1.0], 50) == 2.0
    assert expected_best([], 3) == 0.0


def by_counting(sizes: list[int], rate: float, epsilon: float) -> float:
    """Every outcome of every agent."""
    total = 0.0
    for tallies in product(*(range(size + 1) for size in sizes)):
        chance = float(np.prod([binom.pmf(s, size, rate) for s, size in zip(tallies, sizes, strict=True)]))
        some = [(belief.quantile(s, size - s, epsilon), s / size) for s, size in zip(tallies, sizes, strict=True) if s]
        total += chance * (max(some)[1] if some else 0.0)
    return total


@pytest.mark.parametrize("sizes", [[4], [3, 3], [1, 2, 5], [6, 2, 2, 1]])
@pytest.mark.parametrize("rate", [0.0, 0.3, 0.8, 1.0])
def test_the_best_of_an_archive_of_equals_counts_all_cases(sizes: list[int], rate: float) -> None:
    assert expected_choice(Counter(sizes), rate, 0.05) == pytest.approx(by_counting(sizes, rate, 0.05))


def test_the_best_of_more_equals_looks_better() -> None:
    few, many = (expected_choice({20: agents}, 0.4, 0.05) for agents in (2, 40))
    assert 0.4 < few < many < 1
    assert expected_choice({20: 2}, 0.4, 0.05) == pytest.approx(expected_best([0.4] * 20, 2) / 20)
    assert expected_choice({}, 0.4, 0.05) == 0.0
