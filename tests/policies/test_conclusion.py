"""Which agent a run ends with, and what is claimed of it."""

from concurrent.futures import ThreadPoolExecutor
from threading import get_ident

import pytest
from scipy import stats

from dgm.config import PolicyConfig
from dgm.events import AgentBorn, RunConfigured
from dgm.policies import POLICIES, open_policy
from dgm.policies.conclusion import _policy, best, conclude, concluded
from dgm.policies.race import Race
from dgm.simulation.trial import Trial, play
from dgm.tree import Tree
from tests.policies.trees import bear, score
from tests.worlds import name

TASKS = tuple(f"toy/{n:02}" for n in range(30))


def grown(policy: str, seed: str = "+-" * 10, child: str = "+++-" * 5) -> Tree:
    """A seed and a child; what they solved of the first tasks."""
    tree = Tree([RunConfigured(1.0, "0", {"policy": {"name": policy}}, TASKS, ""), AgentBorn(1.0, name(0), name(0))])
    bear(tree, 1, 0)
    for number, marks in enumerate((seed, child)):
        for task, mark in zip(TASKS, marks, strict=False):
            score(tree, number, task, mark == "+")
    return tree


@pytest.mark.parametrize("policy", sorted(POLICIES))
def test_every_policy_concludes_with_an_agent_whose_mean_its_interval_holds(policy: str) -> None:
    tree = grown(policy)
    found = conclude(open_policy(PolicyConfig(name=policy), 100), tree)
    assert found.low < found.mean < found.high
    assert found.gain_low < found.gain < found.gain_high
    chosen = best(tree)
    assert chosen is not None
    assert found.agent == chosen.id == name(1)


def test_the_interval_of_the_tallies_is_that_of_the_beta_distribution() -> None:
    found = conclude(open_policy(PolicyConfig(name="hgm"), 100), grown("hgm"))
    assert (found.mean, found.gain) == pytest.approx((0.75, 0.25))
    assert (found.low, found.high) == pytest.approx(stats.beta(16, 6).ppf([0.05, 0.95]))


def test_only_a_policy_that_knows_better_than_the_tallies_is_asked_for_a_conclusion() -> None:
    assert concluded(grown("hgm")) is None
    assert concluded(grown("race")) is not None
    assert concluded(grown("somebody.elses")) is None
    assert best(Tree()) is None


def test_a_lucky_child_is_not_the_best_where_a_proven_one_is() -> None:
    """The tally of 3 of 3 has a mean of 1; what its relatives show says that this was luck."""
    tree = grown("race", "+-" * 10, "+++-" * 5)
    bear(tree, 2, 0)
    for task in TASKS[20:22]:
        score(tree, 2, task, True)
    chosen = best(tree)
    assert chosen is not None
    assert chosen.id == name(1)


def test_the_seed_gains_nothing_over_itself() -> None:
    tree = grown("race", "+++-" * 5, "-" * 20)
    found = concluded(tree)
    assert found is not None
    assert (found.agent, found.gain, found.gain_low, found.gain_high) == (name(0), 0.0, 0.0, 0.0)
    assert not found.improved


def test_equal_logs_conclude_alike() -> None:
    assert concluded(grown("race")) == concluded(grown("race"))


def test_a_driver_and_the_display_beside_it_share_nothing_that_changes() -> None:
    tree, other = grown("race"), grown("race", child="-" * 20)
    chosen = best(tree)
    driver = _policy("race", get_ident())
    assert isinstance(driver, Race)
    known = dict(driver._known)
    with ThreadPoolExecutor(1) as display:
        assert display.submit(best, other).result() is not chosen
    assert best(tree) is chosen
    assert driver._known == known, "what the driver knew of its tree is still there"


def test_an_improvement_is_claimed_where_it_is_large_and_not_where_there_is_none() -> None:
    large = [play(Trial("race", "flat", seed, budget=200), curve=False) for seed in range(3)]
    assert all(ran.gain_low > 0 and ran.utility > ran.root for ran in large)
    none = [play(Trial("race", "null", seed, budget=200), curve=False) for seed in range(5)]
    assert sum(ran.gain_low > 0 for ran in none) <= 1
