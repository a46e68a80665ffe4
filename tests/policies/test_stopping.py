"""Stopping when no gain is to be expected."""

import numpy as np
import pytest

from dgm.config import ConfigError, PolicyConfig
from dgm.events import JobStarted
from dgm.flight import End, Flight
from dgm.jobs import Evaluate
from dgm.machine import finished, run, stream
from dgm.policies import open_policy
from dgm.policies.conclusion import conclude
from dgm.policies.stopping import Outlook, Stopping, last_milestone
from dgm.settings import load
from dgm.simulation.clock import Clock
from dgm.simulation.families import Family
from dgm.simulation.memory import Memory
from dgm.simulation.worlds import World
from dgm.tree import Tree
from tests.policies.trees import tree_of

BARREN = Family(name="barren", step=0.0, wander=0.0, shift=-1.0, broken=0.0, idle=0.0, redrawn=0.0, taste=0.0)
BUDGET = 400
STOPPED = PolicyConfig(stop="no-gain")


def grown(config: PolicyConfig, memory: Memory | None = None, seed: int = 1, slots: int = 4) -> tuple[Memory, End]:
    world, clock = World(BARREN, seed), Clock()
    memory = memory or Memory(world.root, world.tasks, lambda: clock.now, {"run": {"evaluations": BUDGET}}, keep=True)
    end = run(memory, open_policy(config, BUDGET), Flight(world, clock, clock), slots, random_seed=seed)
    return memory, end


@pytest.fixture(scope="module")
def stopped() -> tuple[Memory, End]:
    return grown(STOPPED)


def test_a_search_without_any_gain_ends_early_and_says_why(stopped: tuple[Memory, End]) -> None:
    memory, end = stopped
    assert 20 < memory.tree.evaluations < 0.8 * BUDGET
    assert end.code == 0
    assert "the chance of a further gain of 0.02 in the success rate is below 0.05 (policy.stop), after" in end.reason
    assert f"{memory.tree.evaluations} of {BUDGET} evaluations" in end.reason
    assert not memory.tree.running
    policy = open_policy(STOPPED, BUDGET)
    assert policy(memory.tree, stream(1, memory.tree)) is None, "nor does it begin again"
    assert finished(policy, memory.tree) == end


def test_switched_off_it_goes_on(stopped: tuple[Memory, End]) -> None:
    tree = stopped[0].tree
    assert open_policy(PolicyConfig(), BUDGET)(tree, stream(1, tree)) is not None
    assert open_policy(PolicyConfig(stop="no-gain", stop_chance=1e-6), BUDGET)(tree, stream(1, tree)) is not None


@pytest.mark.parametrize("name", ["hgm", "race", "sica"])
def test_it_chooses_as_the_policy_does_and_decides_from_the_log_alone(name: str, stopped: tuple[Memory, End]) -> None:
    events = stopped[0].events
    assert events is not None
    config = PolicyConfig(name=name, stop="no-gain")
    kept, plain = open_policy(config, BUDGET), open_policy(PolicyConfig(name=name), BUDGET)
    assert isinstance(kept, Stopping)
    tree = Tree()
    for number, event in enumerate(events):
        tree.apply(event)
        if number > 2 and number % 97 == 0:
            again = Tree(events[: number + 1])
            fresh = open_policy(config, BUDGET)
            assert kept(tree, stream(1, tree)) == fresh(again, stream(1, again))
            if not kept.stops(tree):
                assert kept(tree, stream(1, tree)) == plain(tree, stream(1, tree))
    assert conclude(kept, tree) == conclude(plain, tree)


def test_what_is_under_way_changes_nothing_between_milestones() -> None:
    tree = tree_of((4, 6), (2, 3), (1, 4))
    assert last_milestone(tree.evaluations) == 20
    before = Outlook(tree, 20, 0.02).chance(10)
    task = tree.untried(tree.agent(1))[0]
    tree.apply(JobStarted(1.0, tree.next_job, Evaluate(tree.agent(1).id, task)))
    assert Outlook(tree, 20, 0.02).chance(10) == before


def test_a_chance_grows_with_children_and_falls_with_what_is_asked() -> None:
    tree = tree_of((6, 6), (3, 3), (2, 4), (4, 2))
    outlook = Outlook(tree, tree.evaluations, 0.02)
    chances = [outlook.chance(n) for n in (1, 3, 10, 100)]
    assert chances == sorted(chances)
    assert Outlook(tree, tree.evaluations, 0.2).chance(10) < outlook.chance(10)
    enough = outlook.needed(chances[2])
    assert enough == pytest.approx(10, rel=0.01)
    assert outlook.needed(chances[0] / 2) == 0.0


def test_children_that_differ_promise_more_than_children_that_do_not() -> None:
    alike = tree_of(*[(10, 10)] * 12)
    worse = tree_of((10, 10), *[(6, 14)] * 11)
    apart = tree_of(*[(10 + n, 10 - n) for n in (0, 6, -6, 3, -3, 6, -6, 3, -3, 6, -6, 8)])
    chances = [Outlook(tree, tree.evaluations, 0.02).chance(20) for tree in (worse, alike, apart)]
    assert chances == sorted(chances)
    assert chances[0] < 0.5 * chances[2]


def test_children_that_are_born_broken_say_nothing_of_the_others() -> None:
    alike = tree_of(*[(10, 10)] * 8)
    some = tree_of(*[(10, 10)] * 8, *[(0, 12)] * 4)
    chances = [Outlook(tree, tree.evaluations, 0.02).chance(20) for tree in (alike, some)]
    assert chances[1] == pytest.approx(chances[0], rel=0.05)


@pytest.mark.parametrize("results", [[(0, 20)], [(20, 0)], [(0, 10), (0, 10)], [(10, 0), (10, 0)]])
def test_results_that_are_all_alike_are_no_trouble(results: list[tuple[int, int]]) -> None:
    tree = tree_of(*results)
    assert 0.0 <= Outlook(tree, 20, 0.02).chance(50) <= 1.0
    assert np.isfinite(Outlook(tree, 20, 0.02).needed(0.05))


@pytest.mark.parametrize("pair", ["stop=never", "stop_gain=0", "stop_chance=1"])
def test_settings_that_make_no_sense_are_refused(pair: str) -> None:
    with pytest.raises(ConfigError, match=r"policy\.stop"):
        load(None, {}, [f"policy.{pair}"])
