"""Golden numbers come from SciPy, from textbooks, or from another formula for the same thing."""

from collections.abc import Callable, Iterator
from itertools import combinations_with_replacement, product
from math import comb, factorial, prod, sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import beta, binom, binomtest, false_discovery_control

from dgm.statistics import (
    Difference,
    clustered,
    flipped,
    holm,
    mcnemar,
    paired_difference,
    tasks_needed,
    verdict,
    visible,
    wilson,
)

counts = st.integers(0, 40)
Interval = Callable[[int, int, int], tuple[float, float]]


# ---------------------------------------------------------------- one score


@pytest.mark.parametrize(
    ("solved", "total", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)  # Newcombe, Stat. Med. 17 (1998), 857, table I, method 3
def test_wilsons_interval_is_that_of_the_textbook(solved: int, total: int, low: float, high: float) -> None:
    assert wilson(solved, total) == pytest.approx((low, high), abs=5e-5)


@given(counts, counts, st.floats(0.5, 0.999))
def test_wilsons_interval_is_scipys(solved: int, failed: int, level: float) -> None:
    if solved + failed:
        golden = binomtest(solved, solved + failed).proportion_ci(level, method="wilson")
        assert wilson(solved, solved + failed, level) == pytest.approx((golden.low, golden.high), abs=1e-9)


def test_no_attempts_say_nothing_of_a_rate() -> None:
    assert wilson(0, 0) == (0.0, 1.0)
    with pytest.raises(ValueError, match="cannot be solved"):
        wilson(3, 2)


# ---------------------------------------------------------------- two agents


@given(counts, counts)
def test_mcnemars_test_is_a_binomial_test(gained: int, lost: int) -> None:
    golden = binomtest(gained, gained + lost).pvalue if gained + lost else 1.0
    assert mcnemar(gained, lost) == pytest.approx(golden, rel=1e-9)


def test_mcnemars_test_on_two_cultures() -> None:
    """Armitage and Berry, Statistical Methods in Medical Research (1994), p. 127."""
    assert mcnemar(12, 2) == pytest.approx(0.0129, abs=5e-5)
    assert mcnemar(7000, 7000) == 1.0
    assert 0 < mcnemar(900, 100) < 1e-100


def melded(gained: int, lost: int, total: int, tail: float) -> float:
    """The lower limit, with the integral over B instead of T, by SciPy."""
    differing = gained + lost
    share = beta(gained, lost + 1)
    upper, lower = beta(differing + 1, total - differing), beta(differing, total - differing + 1)

    def below(w: float) -> float:
        if w < 0:
            return float(quad(lambda b: share.pdf(b) * upper.sf(w / (2 * b - 1)), 0, (1 + w) / 2, epsabs=1e-12)[0])
        cut = (1 + w) / 2
        inner = quad(lambda b: share.pdf(b) * lower.cdf(w / (2 * b - 1)), cut, 1, epsabs=1e-12)[0]
        return float(share.cdf(cut) + inner)

    low, high = -1.0, 1.0
    while high - low > 1e-8:
        middle = (low + high) / 2
        low, high = (middle, high) if below(middle) < tail else (low, middle)
    return low


@pytest.mark.parametrize(("gained", "lost", "same"), [(1, 7, 13), (9, 2, 150), (3, 3, 4)])
def test_the_interval_is_that_of_another_integral(gained: int, lost: int, same: int) -> None:
    found, total = paired_difference(gained, lost, same), gained + lost + same
    assert found.low == pytest.approx(melded(gained, lost, total, 0.025), abs=1e-6)
    assert found.high == pytest.approx(-melded(lost, gained, total, 0.025) if lost else found.high, abs=1e-6)


def test_the_interval_without_any_difference_is_a_closed_form() -> None:
    """With 0 of n tasks differing, the share of those that do is below 1 - tail^(1 / n)."""
    for total in (1, 5, 60):
        limit = 1 - 0.025 ** (1 / total)
        found = paired_difference(0, 0, total)
        assert (found.mean, found.low, found.high) == pytest.approx((0, -limit, limit), abs=1e-9)
        assert verdict(found) == "undecided"


def test_nothing_in_common_says_nothing() -> None:
    assert paired_difference(0, 0, 0) == Difference(0.0, -1.0, 1.0)
    with pytest.raises(ValueError, match="negative"):
        paired_difference(1, -1, 0)


@settings(deadline=None, max_examples=40)
@given(counts, counts, counts, st.sampled_from([0.8, 0.9, 0.95, 0.99]))
def test_the_interval_and_the_test_are_one_truth(gained: int, lost: int, same: int, level: float) -> None:
    found = paired_difference(gained, lost, same, level)
    rejected = mcnemar(gained, lost) <= 1 - level
    assert -1 <= found.low <= found.mean <= found.high <= 1
    assert (verdict(found) != "undecided") == (rejected and gained != lost)
    assert verdict(found) != ("worse" if gained > lost else "improved")


@settings(deadline=None, max_examples=40)
@given(counts, counts, counts)
def test_the_interval_is_symmetric_and_monotone(gained: int, lost: int, same: int) -> None:
    found, mirrored = paired_difference(gained, lost, same), paired_difference(lost, gained, same)
    assert (found.low, found.high) == pytest.approx((-mirrored.high, -mirrored.low), abs=1e-8)
    wider = paired_difference(gained, lost, same, 0.99)
    assert wider.low <= found.low + 1e-8
    assert found.high <= wider.high + 1e-8
    if same:
        better = paired_difference(gained + 1, lost, same - 1)
        assert better.low >= found.low - 1e-8
        assert better.high >= found.high - 1e-8


def tango(gained: int, lost: int, total: int) -> tuple[float, float]:
    """Tango's score interval (Stat. Med. 17, 1998, 891), for comparison."""

    def score(d: float) -> float:
        b = -gained - lost + (2 * total - gained + lost) * d
        p = (sqrt(max(b * b + 8 * total * lost * d * (1 - d), 0.0)) - b) / (4 * total)
        variance = total * (2 * p + d * (1 - d))
        return (gained - lost - total * d) / sqrt(variance) if variance > 0 else 0.0

    limits = []
    for sign in (1, -1):
        low, high = (-1.0, (gained - lost) / total) if sign > 0 else ((gained - lost) / total, 1.0)
        for _ in range(40):
            middle = (low + high) / 2
            if sign * score(middle) > 1.959964 if sign > 0 else score(middle) > -1.959964:
                low = middle
            else:
                high = middle
        limits.append((low + high) / 2)
    return limits[0], limits[1]


def coverage(interval: Interval, total: int) -> list[float]:
    """The chance that the interval holds the true difference, for all shares of gained and lost tasks on a grid."""
    tables = [(g, n - g, interval(g, n - g, total)) for n in range(total + 1) for g in range(n + 1)]
    ways = np.array([comb(total, g + n) * comb(g + n, g) for g, n, _ in tables], float)
    gained, lost = (np.array([table[side] for table in tables]) for side in (0, 1))
    low, high = (np.array([table[2][side] for table in tables]) for side in (0, 1))
    found = []
    for p in np.linspace(0, 1, 41):
        for q in np.linspace(0, 1 - p, 21):
            chance = ways * p**gained * q**lost * max(1 - p - q, 0.0) ** (total - gained - lost)
            held = (low <= p - q + 1e-9) & (p - q <= high + 1e-9)
            found.append(float(chance[held].sum()))
    return found


def ours(gained: int, lost: int, total: int) -> tuple[float, float]:
    found = paired_difference(gained, lost, total - gained - lost)
    return found.low, found.high


@pytest.mark.parametrize("total", [4, 9])
def test_the_interval_never_misses_more_often_than_it_says(total: int) -> None:
    exact, score = coverage(ours, total), coverage(tango, total)
    assert min(exact) >= 0.95
    assert np.mean(exact) < 0.995
    assert min(score) < 0.93  # what it is preferred for


# ---------------------------------------------------------------- several, and how many


def test_holms_correction_on_textbook_numbers() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.01, 0.02, 0.03, 0.04, 0.05]) == pytest.approx([0.05, 0.08, 0.09, 0.09, 0.09])
    assert holm([]) == []


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holms_correction_lies_between_none_and_bonferronis(ps: list[float]) -> None:
    found = holm(ps)
    assert all(p <= one <= min(1.0, len(ps) * p + 1e-12) for p, one in zip(ps, found, strict=True))
    assert all(found[i] <= found[j] for i in range(len(ps)) for j in range(len(ps)) if ps[i] <= ps[j])
    step_up = false_discovery_control(ps)
    assert all(one >= other - 1e-12 for one, other in zip(found, step_up, strict=True))


def power(tasks: int, difference: float, discordant: float) -> float:
    """By enumeration of gained and lost tasks."""
    p, q = (discordant + difference) / 2, (discordant - difference) / 2
    found = 0.0
    for g in range(tasks + 1):
        for n in range(tasks + 1 - g):
            if g > n and mcnemar(g, n) <= 0.05:
                found += comb(tasks, g + n) * comb(g + n, g) * p**g * q**n * (1 - p - q) ** (tasks - g - n)
    return found


@pytest.mark.parametrize(("difference", "discordant"), [(0.2, 0.3), (0.3, 0.3), (0.5, 0.6)])
def test_the_number_of_tasks_is_the_first_that_has_the_power(difference: float, discordant: float) -> None:
    tasks = tasks_needed(difference, discordant)
    assert power(tasks, difference, discordant) >= 0.8 > power(tasks - 1, difference, discordant)
    assert tasks_needed(-difference, discordant) == tasks


@pytest.mark.parametrize(("tasks", "comparisons"), [(6, 1), (10, 1), (60, 1), (60, 5)])
def test_the_gain_that_tasks_show_at_best_is_the_least(tasks: int, comparisons: int) -> None:
    gain = visible(tasks, comparisons)
    assert gain is not None
    least = next(k for k in range(tasks + 1) if mcnemar(k, 0) <= 0.05 / comparisons)
    assert binom.sf(least - 1, tasks, gain) == pytest.approx(0.8, abs=1e-6)
    if comparisons == 1:
        assert tasks_needed(gain + 1e-6, 0.0) <= tasks < tasks_needed(gain - 0.02, 0.0)


def test_too_few_tasks_show_nothing() -> None:
    assert visible(0) is visible(5) is visible(7, 5) is None
    assert visible(6) is not None


def test_the_number_of_tasks_grows_with_what_is_asked() -> None:
    assert tasks_needed(0.05, 0.3) == pytest.approx(939, rel=0.05)  # Connor's approximation
    assert tasks_needed(0.05, 0.3) > tasks_needed(0.05, 0.1) > tasks_needed(0.1, 0.1)
    assert tasks_needed(0.05, 0.3, 0.9) > tasks_needed(0.05, 0.3)
    assert tasks_needed(0.05, 0.0) == tasks_needed(0.05, 0.05)  # a difference is at least so much discordance
    with pytest.raises(ValueError, match="no number"):
        tasks_needed(0, 0.3)


# ---------------------------------------------------------------- repeated attempts

rates = st.integers(-6, 6).map(lambda n: n / 6)


@given(st.lists(rates, max_size=9))
def test_the_sign_flip_test_is_the_count_of_all_signs(differences: list[float]) -> None:
    seen = abs(sum(differences))
    sums = [abs(sum(s * d for s, d in zip(signs, differences, strict=True))) for signs in signs_of(len(differences))]
    assert flipped(differences) == pytest.approx(np.mean([one >= seen - 1e-9 for one in sums]), abs=1e-9)


def signs_of(n: int) -> Iterator[tuple[int, ...]]:
    return product((-1, 1), repeat=n)


@given(counts, counts)
def test_the_sign_flip_test_of_single_attempts_is_mcnemars(gained: int, lost: int) -> None:
    assert flipped([1.0] * gained + [-1.0] * lost + [0.0]) == pytest.approx(mcnemar(gained, lost), rel=1e-9)


@given(counts, counts, counts)
def test_repeats_that_never_differ_are_single_attempts(gained: int, lost: int, same: int) -> None:
    found, p = clustered([1.0] * gained + [-1.0] * lost + [0.0] * same)
    assert (found, p) == (paired_difference(gained, lost, same), mcnemar(gained, lost))


@given(st.lists(rates, min_size=1, max_size=40), st.sampled_from([0.9, 0.95, 0.99]))
def test_with_repeats_too_the_interval_and_the_test_are_one_truth(differences: list[float], level: float) -> None:
    found, p = clustered(differences, level)
    mirrored, same = clustered([-one for one in differences], level)
    assert same == pytest.approx(p, abs=1e-12)
    assert (found.low, found.high) == pytest.approx((-mirrored.high, -mirrored.low), abs=1e-8)
    assert -1 <= found.low <= found.mean <= found.high <= 1
    assert (verdict(found) != "undecided") == (p <= 1 - level)


def test_no_task_at_all_says_nothing() -> None:
    assert clustered([]) == (Difference(0.0, -1.0, 1.0), 1.0)


def test_two_attempts_cover_the_truth_on_few_tasks() -> None:
    """By enumeration: five tasks, two attempts each, and any mixture of tasks on which the agents differ by chance."""
    values, tasks = (-1.0, -0.5, 0.0, 0.5, 1.0), 5
    tables = list(combinations_with_replacement(range(5), tasks))
    intervals = [clustered([values[k] for k in table])[0] for table in tables]
    counted = [[table.count(k) for k in range(5)] for table in tables]
    ways = [factorial(tasks) / prod(map(factorial, numbers)) for numbers in counted]
    held = []
    for p, q in product(np.linspace(0, 1, 11), repeat=2):  # of one agent and the other, on every task
        chances = np.convolve([(1 - p) ** 2, 2 * p * (1 - p), p * p], [q * q, 2 * q * (1 - q), (1 - q) ** 2])
        for share in (0.3, 1.0):  # of the tasks; on the rest both are equal
            mixed = share * chances + (1 - share) * np.array([0, 0, 1, 0, 0])
            truth = share * (p - q)
            masses = (w * np.prod(mixed**n) for w, n in zip(ways, counted, strict=True))
            pairs = zip(masses, intervals, strict=True)
            held.append(sum(m for m, one in pairs if one.low - 1e-9 <= truth <= one.high + 1e-9))
    assert min(held) > 0.93
    assert np.mean(held) > 0.97
