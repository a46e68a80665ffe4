import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import beta, betabinom

from dgm.shrinkage import claimed, difference, fitted, surviving

tally = st.tuples(st.integers(0, 30), st.integers(0, 30))


def test_what_the_best_of_many_claims_is_too_much_and_what_survives_is_not() -> None:
    """200 agents with ten attempts each, the best chosen by its tally, a hundred times."""
    rng = np.random.default_rng(0)
    claims, kept, truths, held = [], [], [], []
    for _ in range(100):
        true = rng.beta(8, 8, 200)
        solved = rng.binomial(10, true)
        best = int(np.argmax(solved))
        prior = fitted([(int(s), 10 - int(s)) for s in solved])
        own = (int(solved[best]), 10 - int(solved[best]))
        left = surviving(own, prior)
        claims.append(claimed(own).rate)
        kept.append(left.rate)
        truths.append(true[best])
        held.append(left.low <= true[best] <= left.high)
    assert np.mean(claims) - np.mean(truths) > 0.2
    assert np.mean(kept) == pytest.approx(np.mean(truths), abs=0.03)
    assert np.mean(held) > 0.88


def test_the_fit_is_the_most_likely_one() -> None:
    rng = np.random.default_rng(1)
    tallies = [(int(s), 12 - int(s)) for s in rng.binomial(12, rng.beta(3, 5, 2000))]
    a, b = fitted(tallies)
    assert (a, b) == pytest.approx((3, 5), rel=0.25)

    def surprise(a: float, b: float) -> float:
        return -float(np.sum(betabinom.logpmf([s for s, _ in tallies], 12, a, b)))

    assert all(surprise(a, b) <= surprise(a * x, b * y) for x, y in ((1.05, 1), (1, 1.05), (0.95, 1), (1.05, 1.05)))


@given(tally, st.lists(tally, max_size=20))
def test_an_estimate_lies_between_the_own_rate_and_the_mean(
    own: tuple[int, int], others: list[tuple[int, int]]
) -> None:
    a, b = fitted([own, *others])
    left, mean = surviving(own, (a, b)), a / (a + b)
    assert left.rate == pytest.approx((a + own[0]) / (a + b + sum(own)))
    assert (left.low, left.high) == pytest.approx(beta.ppf([0.025, 0.975], a + own[0], b + own[1]), abs=1e-6)
    if sum(own):
        rate = own[0] / sum(own)
        assert min(rate, mean) - 1e-9 <= left.rate <= max(rate, mean) + 1e-9


def test_nothing_to_learn_from_leaves_all_possible() -> None:
    assert fitted([]) == fitted([(0, 0), (3, 1)]) == (1.0, 1.0)
    assert claimed((0, 0)).low == 0.0
    a, b = fitted([(5, 5)] * 50)  # no more alike than by design
    assert a / (a + b) == pytest.approx(0.5, abs=1e-3)


def test_the_difference_of_two_rates_is_newcombes() -> None:
    """Newcombe, Stat. Med. 17 (1998), 873, table II: 56 of 70 and 48 of 80, method 10."""
    found = difference(claimed((56, 14)), claimed((48, 32)))
    assert (found.mean, found.low, found.high) == pytest.approx((0.2, 0.0524, 0.3339), abs=5e-5)
