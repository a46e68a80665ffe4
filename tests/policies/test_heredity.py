"""Beliefs on a tree against the same Gaussian computed with dense matrices."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dgm.policies.heredity import ONWARD, Floats, Heredity

SEED = 2.0
Evidence = tuple[float, float]
Born = list[tuple[int | None, Evidence]]
"""The parent and the evidence of each agent."""

SCALES = st.tuples(st.sampled_from([0.1, 0.65, 3.0]), st.sampled_from([0.03, 0.22, 1.0]))
EVIDENCE = st.one_of(st.just((0.0, 0.0)), st.tuples(st.floats(0.01, 20), st.floats(-20, 20)))
CLOSE = {"rtol": 1e-9, "atol": 1e-9}


@st.composite
def trees(draw: st.DrawFn, most: int = 25) -> Born:
    """Any shape: `reach` 1 is a line, and a tree may have several seeds."""
    reach = draw(st.sampled_from([1, 2, 5, 25]))
    born: Born = [(None, draw(EVIDENCE))]
    for index in range(1, draw(st.integers(1, most))):
        seed = draw(st.integers(0, 9)) == 9
        parent = None if seed else draw(st.integers(max(0, index - reach), index - 1))
        born.append((parent, draw(EVIDENCE)))
    return born


def told(born: Born, tau: float, walk: float) -> Heredity:
    heredity = Heredity(SEED, tau, walk)
    for parent, _ in born:
        heredity.join(parent)
    for index, (_, evidence) in enumerate(born):
        heredity.tell(index, *evidence)
    heredity.settle()
    return heredity


def dense(born: Born, tau: float, walk: float) -> tuple[Floats, Floats, float]:
    """Mean and covariance of (ability, drift) of all agents in a row, and how likely the evidence is."""
    size = 2 * len(born)
    steps, scales = np.eye(size), np.zeros(size)
    for index, (parent, _) in enumerate(born):
        scales[2 * index : 2 * index + 2] = (SEED, ONWARD) if parent is None else (tau, walk)
        if parent is not None:
            steps[2 * index, 2 * parent : 2 * parent + 2] = -1.0
            steps[2 * index + 1, 2 * parent + 1] = -1.0
    prior = steps.T @ np.diag(scales**-2) @ steps
    precisions, weighted = np.zeros(size), np.zeros(size)
    precisions[::2], weighted[::2] = np.array([evidence for _, evidence in born]).T
    posterior = prior + np.diag(precisions)
    cov = np.linalg.inv(posterior)
    likely = (weighted @ cov @ weighted + np.linalg.slogdet(prior)[1] - np.linalg.slogdet(posterior)[1]) / 2
    return cov @ weighted, cov, float(likely)


@settings(deadline=None)
@given(trees(), SCALES)
def test_beliefs_are_those_of_the_whole_gaussian(born: Born, scales: tuple[float, float]) -> None:
    heredity = told(born, *scales)
    mean, cov, _ = dense(born, *scales)
    np.testing.assert_allclose(heredity.mean, mean.reshape(-1, 2), **CLOSE)
    blocks = [cov[2 * index : 2 * index + 2, 2 * index : 2 * index + 2] for index in range(len(born))]
    np.testing.assert_allclose(heredity.cov, np.array(blocks), **CLOSE)


@settings(deadline=None)
@given(trees(), SCALES, SCALES)
def test_scales_are_weighed_by_the_marginal_likelihood(
    born: Born, scales: tuple[float, float], others: tuple[float, float]
) -> None:
    differ = told(born, *scales).log_evidence() - told(born, *others).log_evidence()
    assert differ == pytest.approx(dense(born, *scales)[2] - dense(born, *others)[2], rel=1e-9, abs=1e-8)


@settings(deadline=None)
@given(trees(), SCALES, st.data())
def test_draws_of_a_path_are_joint(born: Born, scales: tuple[float, float], data: st.DataObject) -> None:
    """They are affine in the noise, so its unit vectors tell all about them."""
    index = data.draw(st.integers(0, len(born) - 1))
    root, depth = index, 0
    while (parent := born[root][0]) is not None:
        root, depth = parent, depth + 1
    size = 2 * (depth + 1)
    noise = np.eye(size, size + 1).reshape(depth + 1, 2, size + 1)
    drawn = np.array(told(born, *scales).path(index, noise))
    mean, cov, _ = dense(born, *scales)
    which = [2 * index, 2 * root]
    np.testing.assert_allclose(drawn[:, -1], mean[which], **CLOSE)
    spread = drawn[:, :-1] - drawn[:, -1:]
    np.testing.assert_allclose(spread @ spread.T, cov[np.ix_(which, which)], **CLOSE)


@settings(deadline=None)
@given(trees(), SCALES, st.data())
def test_beliefs_do_not_depend_on_how_they_were_arrived_at(
    born: Born, scales: tuple[float, float], data: st.DataObject
) -> None:
    """To the last bit: in any order, with evidence that was replaced later, and looked at in between."""
    heredity = Heredity(SEED, *scales)
    latest: dict[int, Evidence] = {}
    for parent, _ in born:
        heredity.join(parent)
        for index in data.draw(st.lists(st.integers(0, len(heredity) - 1), max_size=3)):
            latest[index] = data.draw(EVIDENCE)
            heredity.tell(index, *latest[index])
        if data.draw(st.booleans()):
            heredity.settle()
            assert len(heredity.mean) == len(heredity)
    heredity.settle()
    known = [(parent, latest.get(index, (0.0, 0.0))) for index, (parent, _) in enumerate(born)]
    same(heredity, told(known, *scales))


@settings(deadline=None, max_examples=10)
@given(st.integers(65, 200), st.sampled_from([1, 7, 200]), st.randoms(use_true_random=False))
def test_large_trees_too(size: int, reach: int, random) -> None:  # type: ignore[no-untyped-def]
    parents = [None, *(random.randrange(max(0, index - reach), index) for index in range(1, size))]
    evidence = [(random.uniform(0, 9), random.uniform(-9, 9)) for _ in parents]
    heredity = Heredity(SEED, 0.65, 0.22)
    for index, parent in enumerate(parents):
        heredity.join(parent)
        heredity.tell(index, *evidence[index])
        if random.random() < 0.2:
            heredity.settle()
    heredity.settle()
    born = list(zip(parents, evidence, strict=True))
    same(heredity, told(born, 0.65, 0.22))
    np.testing.assert_allclose(heredity.mean.ravel(), dense(born, 0.65, 0.22)[0], rtol=1e-8, atol=1e-8)


def same(one: Heredity, other: Heredity) -> None:
    assert np.array_equal(one.mean, other.mean)
    assert np.array_equal(one.cov, other.cov)
    assert one.log_evidence() == other.log_evidence()
    last = len(one) - 1
    noise = np.ones((len(one), 2, 3))
    assert np.array_equal(one.path(last, noise), other.path(last, noise))


def test_drift_shows_in_descendants_alone() -> None:
    """Two agents have done equally well; the children of one of them do much better than it."""
    born: Born = [(None, (8.0, 0.0)), (0, (4.0, 2.0)), (0, (4.0, 2.0)), (1, (4.0, 8.0)), (2, (4.0, -4.0))]
    heredity = told(born, 0.65, 0.22)
    assert heredity.mean[1, 1] > heredity.mean[2, 1] + 0.05
    alone = told(born[:3], 0.65, 0.22)
    assert alone.mean[1, 1] == alone.mean[2, 1]
