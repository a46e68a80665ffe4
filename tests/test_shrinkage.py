import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import beta

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


@pytest.mark.parametrize("alike", [True, False])
def test_few_agents_leave_it_wide(alike: bool) -> None:
    """Six agents with seven attempts each: that they look alike is no proof that they are."""
    rng = np.random.default_rng(2)
    held = []
    for _ in range(200):
        true = np.full(6, rng.uniform(0.1, 0.9)) if alike else rng.beta(3, 7, 6)
        solved = rng.binomial(7, true)
        best = int(np.argmax(solved))
        tallies = [(int(s), 7 - int(s)) for s in solved]
        left = surviving(tallies[best], fitted(tallies))
        held.append(left.low <= true[best] <= left.high)
    assert np.mean(held) > 0.93


def test_many_agents_tell_what_they_are_drawn_from() -> None:
    rng = np.random.default_rng(1)
    prior = fitted([(int(s), 12 - int(s)) for s in rng.binomial(12, rng.beta(3, 5, 2000))])
    assert sum(chance for _, _, chance in prior) == pytest.approx(1)
    assert sum(a / (a + b) * chance for a, b, chance in prior) == pytest.approx(3 / 8, abs=0.01)
    assert sum((a + b) * chance for a, b, chance in prior) == pytest.approx(8, rel=0.15)


@given(tally, st.floats(0.5, 50), st.floats(0.5, 50))
def test_under_one_population_it_is_that_of_the_beta_distribution(own: tuple[int, int], a: float, b: float) -> None:
    left = surviving(own, ((a, b, 1.0),))
    assert left.rate == pytest.approx((a + own[0]) / (a + b + sum(own)))
    assert (left.low, left.high) == pytest.approx(beta.ppf([0.025, 0.975], a + own[0], b + own[1]), abs=1e-6)


def test_over_several_it_has_their_mean_and_variance() -> None:
    """Against draws: a population, and from its posterior a rate."""
    prior = ((2.0, 6.0, 0.5), (30.0, 30.0, 0.3), (9.0, 1.0, 0.2))
    rng = np.random.default_rng(4)
    which = rng.choice(3, 200_000, p=[chance for _, _, chance in prior])
    rates = rng.beta(np.array([a for a, _, _ in prior])[which] + 4, np.array([b for _, b, _ in prior])[which] + 3)
    left = surviving((4, 3), prior)
    assert left.rate == pytest.approx(rates.mean(), abs=2e-3)
    assert np.mean((left.low <= rates) & (rates <= left.high)) == pytest.approx(0.95, abs=0.02)


@given(tally, st.lists(tally, max_size=20))
def test_an_estimate_is_a_rate_inside_its_interval(own: tuple[int, int], others: list[tuple[int, int]]) -> None:
    left = surviving(own, fitted([own, *others]))
    assert 0 <= left.low < left.rate < left.high <= 1


def test_nothing_to_learn_from_leaves_all_possible() -> None:
    assert fitted([]) == fitted([(0, 0), (3, 1)]) == ((1.0, 1.0, 1.0),)
    assert claimed((0, 0)).low == 0.0
    alike = surviving((5, 5), fitted([(5, 5)] * 50))  # no more alike than by design
    assert alike.rate == pytest.approx(0.5, abs=1e-3)
    assert alike.high - alike.low < 0.2


def test_the_difference_of_two_rates_is_newcombes() -> None:
    """Newcombe, Stat. Med. 17 (1998), 873, table II: 56 of 70 and 48 of 80, method 10."""
    found = difference(claimed((56, 14)), claimed((48, 32)))
    assert (found.mean, found.low, found.high) == pytest.approx((0.2, 0.0524, 0.3339), abs=5e-5)
