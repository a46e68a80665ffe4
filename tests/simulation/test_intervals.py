"""Intervals against SciPy's."""

from math import isnan

import pytest
from scipy import stats

from dgm.simulation.intervals import of_values, over_strata

A, B, C = [0.1, 0.4, 0.2, 0.35], [0.5, 0.45, 0.7], [-0.2, 0.0, 0.1, 0.3, 0.05]


def test_of_values() -> None:
    wanted = stats.ttest_1samp(A, 0).confidence_interval(0.95)
    found = of_values(A)
    assert (found.low, found.high) == pytest.approx((wanted.low, wanted.high))


def test_two_strata_are_welch() -> None:
    wanted = stats.ttest_ind(A, [-b for b in B], equal_var=False).confidence_interval(0.95)
    found = over_strata([of_values(A), of_values(B)])
    assert (found.low, found.high) == pytest.approx((wanted.low / 2, wanted.high / 2))


def test_three_strata() -> None:
    parts = [A, B, C]
    variances = [stats.tvar(part) / len(part) for part in parts]
    freedom = sum(variances) ** 2 / sum(v**2 / (len(p) - 1) for v, p in zip(variances, parts, strict=True))
    half = stats.t.ppf(0.975, freedom) * sum(variances) ** 0.5 / 3
    assert over_strata([of_values(part) for part in parts]).half == pytest.approx(half)


def test_there_is_no_interval_of_one_value() -> None:
    assert isnan(of_values([0.3]).half)
    assert isnan(of_values([]).mean)
    assert isnan(over_strata([of_values([0.3]), of_values(A)]).half)


def test_a_stratum_without_spread_adds_none() -> None:
    assert over_strata([of_values([0.5, 0.5]), of_values([0.1, 0.1])]).half == 0.0
    found = over_strata([of_values([0.5, 0.5]), of_values(A)])
    assert found.half == pytest.approx(of_values(A).half / 2)
