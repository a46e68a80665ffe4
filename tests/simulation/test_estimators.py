"""Estimators of metaproductivity: what they see, what they are measured by."""

from math import isnan

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dgm.events import AgentBorn, AnyEvent, JobStarted, RunConfigured, TaskScored
from dgm.jobs import Evaluate, Expand
from dgm.simulation.estimators import (
    ESTIMATORS,
    Estimator,
    Scores,
    correlations,
    future,
    grown,
    past,
    pearson,
    without,
)
from dgm.simulation.families import family
from dgm.simulation.trial import Trial
from dgm.simulation.worlds import World
from dgm.tree import Tree
from tests.worlds import logs


@given(logs(), st.data())
@settings(max_examples=60, deadline=None)
def test_what_is_left_out_was_never_there(log: list[AnyEvent], data: st.DataObject) -> None:
    tree = Tree(log)
    agent = data.draw(st.sampled_from(list(tree.agents.values())))
    gone: list[str] = []
    if agent.children:
        todo = [data.draw(st.sampled_from(agent.children))]
        for one in todo:
            gone.append(one.id)
            todo += one.children
    left = Tree(without(log, gone, agent.id))
    assert set(left.agents) == set(tree.agents) - set(gone)
    assert not left.agents[agent.id].results
    for one in left.agents.values():
        assert one.id == agent.id or one.results == tree.agents[one.id].results
    assert Tree(without(log, [])).length == len(log)


def grow(log: list[AnyEvent], parent: str, child: str, solved: int, failed: int) -> None:
    job = sum(isinstance(event, JobStarted) for event in log) + 1
    log += [JobStarted(1.0, job, Expand(parent)), AgentBorn(1.0, child, child, parent, job)]
    score(log, child, solved, failed)


def score(log: list[AnyEvent], agent: str, solved: int, failed: int) -> None:
    for n in range(solved + failed):
        job = sum(isinstance(event, JobStarted) for event in log) + 1
        log += [JobStarted(1.0, job, Evaluate(agent, f"t{n}")), TaskScored(1.0, job, n < solved)]


def test_the_target_is_the_best_descendant_and_its_branch_is_not_seen() -> None:
    log: list[AnyEvent] = [RunConfigured(1.0, "", {}, tuple(f"t{n}" for n in range(10)), ""), AgentBorn(1.0, "s", "s")]
    score(log, "s", 4, 6)
    grow(log, "s", "a", 1, 4)
    grow(log, "a", "aa", 9, 1)  # the best: the branch of a goes with it
    grow(log, "s", "b", 3, 2)
    grow(log, "s", "c", 1, 0)  # too few to be the best, and evidence nonetheless
    (point,) = past(log)
    assert (point.agent, point.target, point.evaluations) == ("s", 0.9, 6)
    assert point.scores["clade"] == pytest.approx(4 / 6)
    assert point.scores["own"] == pytest.approx(0.4)


def test_a_further_estimator_is_a_function_of_the_tree() -> None:
    def youth(tree: Tree) -> Scores:
        return {agent.id: agent.depth for agent in tree.agents.values()}

    world, events = grown(Trial("hgm", "hgm", 1, 150))
    found = correlations(events, world, np.random.default_rng(1), (*ESTIMATORS, Estimator("youth", youth)))
    assert [one.estimator for one in found] == ["clade", "own", "dgm", "race", "youth"]
    assert len({one.pairs for one in found}) == 1
    for one in found:
        assert all(isnan(r) or -1.0001 <= r <= 1.0001 for r in (one.weighted, one.unweighted, one.future))
    assert not isnan(found[0].future)


def test_a_log_without_a_world_has_no_future() -> None:
    _, events = grown(Trial("hgm", "hgm", 1, 60))
    assert all(isnan(one.future) for one in correlations(events, None, np.random.default_rng(1)))


def test_the_future_is_new_and_leaves_no_trace() -> None:
    world = World(family("null"), 1)
    first = world.child(world.root, 1)
    before = dict(world.truths)
    ahead = future(world, world.root, np.random.default_rng(1), rollouts=3)
    assert first is not None
    assert world.truths == before
    assert ahead <= world.truths[world.root].utility
    flat = World(family("flat"), 1)
    assert future(flat, flat.root, np.random.default_rng(1), 30, 3) > flat.truths[flat.root].utility


def test_the_correlation_is_pearsons() -> None:
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=20), rng.normal(size=20)
    assert pearson(x.tolist(), y.tolist(), [1.0] * 20) == pytest.approx(np.corrcoef(x, y)[0, 1])
    counts = rng.integers(1, 4, 20)
    repeated = np.corrcoef(np.repeat(x, counts), np.repeat(y, counts))[0, 1]
    assert pearson(x.tolist(), y.tolist(), counts.tolist()) == pytest.approx(repeated)
    assert isnan(pearson([1.0, 2.0], [1.0, 2.0], [1.0, 1.0]))
    assert isnan(pearson([1.0] * 9, list(range(9)), [1.0] * 9))
