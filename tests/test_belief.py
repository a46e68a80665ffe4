import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import beta

from dgm import belief

counts = st.integers(0, 400)


@given(counts, counts, st.floats(0.001, 0.999))
def test_the_quantile_is_that_of_the_beta_posterior(solved: int, failed: int, epsilon: float) -> None:
    assert belief.quantile(solved, failed, epsilon) == pytest.approx(
        beta.ppf(epsilon, 1 + solved, 1 + failed), rel=1e-6, abs=1e-9
    )


@pytest.mark.parametrize("epsilon", [0.0, 1.0, -0.1, 2.0])
def test_an_epsilon_that_is_no_probability_is_refused(epsilon: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        belief.quantile(1, 1, epsilon)


@given(st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)), min_size=1), st.floats(0.01, 0.99))
def test_the_highest_quantile_is_among_the_undominated(tallies: list[tuple[int, int]], epsilon: float) -> None:
    best = max(belief.quantile(*tally, epsilon) for tally in tallies)
    assert max(belief.quantile(*tally, epsilon) for tally in belief.undominated(tallies)) == best
