"""What luck alone gives, against SciPy, by counting all cases, and by what has to hold for any numbers."""

from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from dgm.luck import distribution, expected_best, pass_at

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
