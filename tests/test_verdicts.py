"""Verdicts from given outcomes: what equal agents are called, what a true gain is called, and several rivals."""

from math import sqrt
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dgm.statistics import holm, mcnemar, tasks_needed, verdict
from dgm.verdicts import Outcomes, matched, scored

TASKS = [f"t/{n}" for n in range(60)]


def most(rate: float, trials: int) -> float:
    """A share that chance exceeds in one of a thousand times."""
    return rate + 3 * sqrt(rate * (1 - rate) / trials)


def outcomes(solved: "np.ndarray[tuple[int], np.dtype[np.bool_]] | list[bool]") -> Outcomes:
    return {task: [bool(one)] for task, one in zip(TASKS, solved, strict=False)}


def verdicts(rng: np.random.Generator, tasks: int, seed: float, gain: float, trials: int) -> list[str]:
    """Of an agent that solves each task that the seed solves, and others with the chance that makes up the gain."""
    names, found = [f"t/{n}" for n in range(tasks)], []
    for _ in range(trials):
        hard = rng.random(tasks)
        base, rival = rng.random(tasks) < seed, rng.random(tasks) < seed
        if gain:
            base, rival = hard < seed, hard < seed + gain
        pair = [{name: [bool(one)] for name, one in zip(names, side, strict=True)} for side in (base, rival)]
        found.append(matched(pair[0], {"a": pair[1]}, names, needs=False)[0].verdict)
    return found


def test_of_equal_agents_one_in_forty_is_called_improved_at_most() -> None:
    found = verdicts(np.random.default_rng(0), 60, 0.5, 0.0, 3000)
    for word in ("improved", "worse"):
        assert found.count(word) / 3000 < most(0.025, 3000)
    assert found.count("undecided") > 0.94 * 3000


def test_a_true_gain_is_found_as_often_as_the_number_of_tasks_promises() -> None:
    tasks = tasks_needed(0.2, 0.2, 0.8)
    found = verdicts(np.random.default_rng(1), tasks, 0.3, 0.2, 1000)
    assert found.count("improved") / 1000 == pytest.approx(0.8, abs=0.04)
    assert "worse" not in found


def test_of_equal_rivals_one_in_forty_families_has_a_winner_at_most() -> None:
    rng, trials, families = np.random.default_rng(2), 300, 0
    for _ in range(trials):
        base = outcomes(rng.random(60) < 0.5)
        rivals = {str(n): outcomes(rng.random(60) < 0.5) for n in range(5)}
        families += any(one.verdict != "undecided" for one in matched(base, rivals, TASKS, needs=False))
    assert families / trials < most(0.05, trials)


tables = st.lists(st.lists(st.booleans(), min_size=60, max_size=60), min_size=1, max_size=4)


@given(st.lists(st.booleans(), min_size=60, max_size=60), tables, st.integers(0, 3))
def test_the_corrected_interval_is_holms_correction(base: list[bool], sides: list[list[bool]], before: int) -> None:
    rivals = {str(n): outcomes(side) for n, side in enumerate(sides)}
    found = matched(outcomes(base), rivals, TASKS, before, needs=False)
    adjusted = holm([*[one.p for one in found], *[1.0] * before])
    for one, p in zip(found, adjusted, strict=False):
        assert one.adjusted == p
        assert (verdict(one.corrected) != "undecided") == (p <= 0.05)
        assert one.corrected.low <= one.difference.low + 1e-9
        assert one.pairs == 60


def test_a_second_look_has_to_be_surer() -> None:
    base, rival = outcomes([False] * 60), outcomes([True] * 7 + [False] * 53)
    assert mcnemar(7, 0) < 0.05 / 2
    assert [matched(base, {"a": rival}, TASKS, before)[0].verdict for before in (0, 1, 3)] == [
        "improved",
        "improved",
        "undecided",
    ]


def test_tasks_without_a_verdict_for_both_are_left_out_and_named() -> None:
    base, rival = dict(outcomes([False] * 4)), dict(outcomes([True] * 4))
    base["t/0"], rival["t/1"] = [], []
    del rival["t/2"]
    (one,) = matched(base, {"a": rival}, TASKS[:4])
    assert one.gained == ("t/3",)
    assert one.unpaired == ("t/0", "t/1", "t/2")
    assert one.verdict == "undecided"
    assert one.needed
    nothing = matched({}, {"a": rival}, TASKS[:4])[0]
    assert (nothing.pairs, nothing.needed, nothing.verdict, nothing.p) == (0, None, "undecided", 1.0)


def test_repeats_of_a_task_are_no_new_tasks() -> None:
    base = {"t/0": [False] * 50, "t/1": [False] * 50}
    rival = {"t/0": [True] * 50, "t/1": [True] * 49 + [False]}
    (one,) = matched(base, {"a": rival}, ["t/0", "t/1"])
    assert one.gained == ("t/0", "t/1")
    assert one.difference.mean == pytest.approx(0.99)
    assert one.verdict == "undecided"
    score = scored("a", rival, 110)
    assert (score.tasks, score.attempts, score.missing) == (2, 100, 10)
    assert (score.solved, score.rate) == pytest.approx((1.98, 0.99))
    assert score.low < 0.4


def test_agents_that_do_the_same_are_never_told_apart() -> None:
    same = outcomes([True, False] * 30)
    (one,) = matched(same, {"a": same}, TASKS)
    assert (one.gained, one.lost, one.same, one.p, one.verdict) == ((), (), 60, 1.0, "undecided")
    assert one.needed == tasks_needed(0.05, 0.0)


def test_an_agent_without_any_verdict_has_no_rate() -> None:
    score = scored("a", {"t/0": []}, 1)
    assert (score.tasks, score.rate, score.low, score.high, score.missing) == (0, 0.0, 0.0, 1.0, 1)


def repeated(rng: np.random.Generator, base: "np.ndarray[Any, Any]", rival: "np.ndarray[Any, Any]", tries: int) -> str:
    """The verdict on an agent that solves each task with a rate of its own, and so does the seed."""
    names = [f"t/{n}" for n in range(len(base))]
    sides = [
        {name: list(rng.random(tries) < p) for name, p in zip(names, rates, strict=True)} for rates in (base, rival)
    ]
    return matched(sides[0], {"a": sides[1]}, names, needs=False)[0].verdict


def test_with_repeats_too_equal_agents_are_seldom_called_improved() -> None:
    rng = np.random.default_rng(3)
    rates = (rng.beta(0.5, 0.5, 30) for _ in range(600))
    found = [repeated(rng, p, p, 3) for p in rates]
    for word in ("improved", "worse"):
        assert found.count(word) / 600 < most(0.025, 600)


def test_lopsided_agents_without_a_difference_are_seldom_called_worse() -> None:
    """One task in five is won by much, the others are lost by little: on the average there is nothing in it."""
    rng, trials = np.random.default_rng(4), 600
    found = []
    for _ in range(trials):
        won = rng.random(30) < 0.2
        found.append(repeated(rng, np.where(won, 0.1, 0.5), np.where(won, 0.9, 0.3), 5))
    assert found.count("improved") / trials < most(0.025, trials)
    assert found.count("worse") / trials < most(0.035, trials)


def test_repeats_help_where_an_agent_does_not_do_the_same_each_time() -> None:
    rng, base, rival = np.random.default_rng(5), np.full(30, 0.4), np.full(30, 0.65)
    once, often = ([repeated(rng, base, rival, tries) for _ in range(120)].count("improved") for tries in (1, 5))
    assert often > 1.5 * once > 0
