"""One trial: the same again anywhere, on worlds that no policy and no order of jobs can change."""

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dgm.config import ConfigError, PolicyConfig
from dgm.events import AgentBorn, JobFailed, JobStarted, TaskScored
from dgm.flight import Flight
from dgm.jobs import Evaluate, Expand
from dgm.machine import run
from dgm.policies import open_policy
from dgm.simulation import trial as trials
from dgm.simulation.clock import Clock
from dgm.simulation.families import family
from dgm.simulation.memory import Memory
from dgm.simulation.trial import POINTS, Trial, play
from dgm.simulation.worlds import World

SMALL = Trial("hgm", "rugged", 3, budget=60, slots=3, tasks=20)


def test_the_same_trial_gives_the_same_row_in_another_process_too() -> None:
    here = play(SMALL)
    assert play(SMALL) == here
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        assert pool.submit(play, SMALL).result() == here


def test_looking_at_the_way_changes_nothing_but_the_curve() -> None:
    looked, plain = play(SMALL), play(SMALL, curve=False)
    assert plain.curve == ()
    assert len(looked.curve) == POINTS
    assert looked.curve[-1] == pytest.approx(looked.utility, abs=1e-4)
    for field in plain.__struct_fields__:
        if field != "curve":
            assert getattr(looked, field) == getattr(plain, field)


def test_a_policy_may_have_settings_of_its_own() -> None:
    assert trials.settings("hgm:alpha=0.5:cooling=false") == PolicyConfig(name="hgm", alpha=0.5, cooling=False)
    narrow = play(Trial("hgm:alpha=0.3", "rugged", 3, budget=60))
    assert narrow.expansions < play(Trial("hgm", "rugged", 3, budget=60)).expansions


@pytest.mark.parametrize("policy", ["hgm:alpha=much", "hgm:beta=1", "hgm:name=uct", "hgm:alpha"])
def test_wrong_settings_are_named(policy: str) -> None:
    with pytest.raises(ConfigError, match=policy):
        trials.settings(policy)


def explore(world: World, order: list[tuple[int, int, int]]) -> dict[tuple[str, str], object]:
    """Expand and evaluate in the given order; returns what every evaluation gave and every agent is."""
    agents = [world.root]
    seen: dict[tuple[str, str], object] = {}
    for kind, which, task in order:
        agent = agents[which % len(agents)]
        if kind == 0:
            number = sum(1 for parent, _ in seen if parent == f"child of {agent}")
            child = world.child(agent, number)
            seen[f"child of {agent}", str(number)] = child
            if child is not None:
                agents.append(child)
        else:
            name = world.tasks[task % len(world.tasks)]
            seen[agent, name] = world.do(world.assign(JobStarted(1.0, 1, Evaluate(agent, name))))
    return seen


ORDERS = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 9), st.integers(0, 19)), max_size=40)


@settings(max_examples=40, deadline=None)
@given(ORDERS, ORDERS, st.sampled_from(["hgm", "alien", "random-7"]))
def test_outcomes_do_not_depend_on_the_order_of_jobs(
    one: list[tuple[int, int, int]], other: list[tuple[int, int, int]], name: str
) -> None:
    first = explore(World(family(name), 5, count=20), one)
    second = explore(World(family(name), 5, count=20), other)
    both = first.keys() & second.keys()
    assert [first[key] for key in both] == [second[key] for key in both]


def played(policy: str, slots: int) -> tuple[World, Memory]:
    world, clock = World(family("hgm"), 2, count=20), Clock()
    memory = Memory(world.root, world.tasks, lambda: clock.now, keep=True)
    run(memory, open_policy(PolicyConfig(name=policy), 80), Flight(world, clock, clock), slots, random_seed=2)
    return world, memory


def test_two_policies_meet_the_same_agents_and_outcomes() -> None:
    (world, memory), (other, against) = played("hgm", 1), played("random", 7)
    met = memory.tree.agents.keys() & against.tree.agents.keys()
    assert len(met) > 3
    for agent in met:
        assert world.truths[agent].utility == other.truths[agent].utility
        results = against.tree.agents[agent].results
        for task, solved in memory.tree.agents[agent].results.items():
            assert results.get(task, solved) == solved


@pytest.mark.parametrize("slots", [1, 5, 40])
def test_time_goes_forward_and_no_more_jobs_run_than_there_are_slots(slots: int) -> None:
    _, memory = played("hgm", slots)
    events = memory.events
    assert events is not None
    assert [event.at for event in events] == sorted(event.at for event in events)
    running: dict[int, float] = {}
    most = 0
    for event in events:
        if isinstance(event, JobStarted):
            running[event.id] = event.at
        elif isinstance(event, TaskScored | JobFailed | AgentBorn) and event.job is not None:
            assert event.at == pytest.approx(running.pop(event.job) + event.usage.seconds)
        most = max(most, len(running))
        assert len(running) <= slots
    assert not running
    assert most == slots
    assert any(isinstance(event, JobStarted) and isinstance(event.job, Expand) for event in events)
