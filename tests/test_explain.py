"""Choices, explained from the log alone: those of real loops, of every policy, and what a changed log is told."""

from functools import cache
from pathlib import Path

import msgspec
import numpy as np
import pytest
from scipy import stats

from dgm.archive import LOG, Archive
from dgm.config import PolicyConfig
from dgm.events import AnyEvent, JobFailed, JobStarted, RunConfigured, RunEnded
from dgm.executors import Inline
from dgm.explain import Choice, chances, chosen, explain, of_agent
from dgm.flight import Flight
from dgm.jobs import Evaluate, Expand
from dgm.log import LogReader
from dgm.machine import run, stream
from dgm.policies import POLICIES, open_policy
from dgm.policies.choosing import thompson
from dgm.policies.witness import Witness
from dgm.retrace import check, retraced
from dgm.simulation.clock import Clock
from dgm.simulation.families import family
from dgm.simulation.memory import Memory
from dgm.simulation.worlds import World
from dgm.testing import World as Numbers
from dgm.testing import numbered
from dgm.tree import Tree
from tests.policies.trees import tree_of
from tests.worlds import name as agent_name

EVERY = pytest.mark.parametrize("name", POLICIES)
GOLDEN = Path(__file__).parent / "golden" / "0.1.0.log"


def under(name: str, budget: int = 60, random_seed: int = 3) -> dict[str, object]:
    policy = msgspec.to_builtins(PolicyConfig(name=name, seed_evaluations=4, warm_start=2))
    return {"run": {"evaluations": budget, "random_seed": random_seed}, "policy": policy}


@cache
def played(name: str, slots: int = 3) -> tuple[AnyEvent, ...]:
    """The log of a run of the real loop in a simulated world; jobs end in another order than they began."""
    world, clock = World(family("hgm"), 2, 5.0, 20), Clock()
    memory = Memory(world.root, world.tasks, lambda: clock.now, under(name), keep=True)
    policy = open_policy(msgspec.convert(under(name)["policy"], PolicyConfig), 60)
    run(memory, policy, Flight(world, clock, clock), slots, random_seed=3)
    return tuple(memory.events or ())


def all_of(events: tuple[AnyEvent, ...]) -> list[Choice]:
    return explain(events, lambda _: True, lambda _: 0)


@EVERY
@pytest.mark.parametrize("slots", [1, 5])
def test_every_choice_of_a_run_is_recomputed(name: str, slots: int) -> None:
    events = played(name, slots)
    found = check(events)
    assert found.choices == found.same == sum(isinstance(event, JobStarted) for event in events) > 60
    assert not found.differences
    assert not found.doubts


@EVERY
def test_every_choice_tells_its_reasons(name: str) -> None:
    for choice in all_of(played(name)):
        assert choice.same
        assert choice.again == choice.job
        assert choice.task_words
        rules = [step.rule for step in choice.steps if step.rule]
        compared = [step.comparison for step in choice.steps if step.comparison]
        assert rules or compared
        assert "{" not in "".join(rules)
        for one in compared:
            assert len(one.candidates) <= min(one.among, 6)
            assert one.winner in [candidate.standing.agent for candidate in one.candidates]
            values = [candidate.value for candidate in one.candidates if candidate.value is not None]
            assert values == sorted(values, reverse=True)
            if one.by == "largest" and "half of the time" not in one.measure:
                assert one.candidates[0].standing.agent == one.winner
                assert one.margin is None or one.margin >= 0
            if one.by == "lot":
                assert sum((c.share or 0.0) * (1 + c.alike) for c in one.candidates) <= 1 + 1e-9
    assert any(choice.decisive for choice in all_of(played(name))) or name in ("best-of-n", "dgm-no-archive")


@EVERY
def test_who_listens_changes_nothing(name: str) -> None:
    for tree, setup, started in retraced(played(name)):
        assert setup.policy is not None
        plain, witness = stream(3, tree), Witness(stream(3, tree))
        assert setup.policy(tree, plain) == setup.policy(tree, witness) == started.job
        assert plain.bit_generator.state == witness.bit_generator.state


def test_a_draw_is_what_numpy_draws() -> None:
    tree = tree_of((3, 5), (0, 0), (2, 1))
    tau = 1.7
    witness = Witness(stream(1, tree))
    winner = thompson(tree.evaluable, tau, witness)
    (contest,) = witness.reasons.steps
    assert not isinstance(contest, str)
    draws = stream(1, tree).beta([1 * tau, 3 * tau, 4 * tau], [1 * tau, 2 * tau, 6 * tau])
    ours = {one.tally: one.value for one in contest.candidates}
    assert ours == {(0, 0): draws[0], (2, 1): draws[1], (3, 5): draws[2]}
    assert winner == contest.winner == contest.candidates[0].agent
    by_tally = {one.tally: one for one in contest.candidates}
    exact = stats.beta(3 * tau, 2 * tau)
    assert by_tally[2, 1].mean == pytest.approx(exact.mean())
    assert by_tally[2, 1].spread == pytest.approx(exact.std())


def test_equal_tallies_are_one_candidate() -> None:
    tree = tree_of((1, 0), (0, 2), (0, 2), (0, 2))
    witness = Witness(stream(1, tree))
    winner = thompson(tree.evaluable, 1.0, witness)
    (contest,) = witness.reasons.steps
    assert not isinstance(contest, str)
    assert contest.among == 4
    assert sorted(one.alike for one in contest.candidates) == [0, 2]
    assert winner in [one.agent for one in contest.candidates]


def test_the_chances_are_those_of_the_draw() -> None:
    """P(X > Y) of two Beta variables, by numerical integration."""
    tree = tree_of((3, 5), (2, 1))
    policy = open_policy(PolicyConfig(seed_evaluations=0, warm_start=0, alpha=0.01, cooling=False), 100)
    found = chances(tree, policy, 5, 2000)
    first, second = stats.beta(4, 6), stats.beta(3, 2)
    grid = (np.arange(20_000) + 0.5) / 20_000
    exact = float(np.mean(first.pdf(grid) * second.cdf(grid)))
    shares = {chance.agent: chance.share for chance in found}
    assert {chance.kind for chance in found} == {"evaluate"}
    assert shares[agent_name(0)] == pytest.approx(exact, abs=4 * (exact * (1 - exact) / 2000) ** 0.5)
    assert sum(shares.values()) == pytest.approx(1)


def test_the_choices_that_led_to_an_agent() -> None:
    events = played("hgm")
    tree = Tree(events)
    agent = max(tree.agents.values(), key=lambda one: (one.depth, one.evaluations))
    assert agent.depth > 1
    found = of_agent(events, agent, 10)
    assert found.birth is not None
    assert found.birth.child == agent.id
    assert sum(chance.share for chance in found.birth.chances) == pytest.approx(1)
    assert [one.child for one in found.ancestors] == [one.id for one in agent.lineage()[1:-1]]
    assert {one.job.task: one.outcome == "solved" for one in found.evaluations} == dict(agent.results)
    assert of_agent(events, tree.seeds[0], 10).birth is None


def test_an_archive_that_was_resumed_and_amended(tmp_path: Path) -> None:
    """Jobs are left running by a driver and over for the next one; then budget, random seed and policy change."""
    tasks = tuple(f"toy/{n}" for n in range(20))
    for part, (name, budget, seed) in enumerate([("hgm", 20, 0), ("hgm", 40, 0), ("race", 60, 9), ("uct", 80, 9)]):
        with Archive(tmp_path) as archive:
            settings = under(name, budget, seed)
            if part != 1:
                archive.configure(RunConfigured(1.0, "0", settings, tasks, "v"))
            if not archive.tree.agents:
                archive.seed(numbered(0.4))
            policy = open_policy(msgspec.convert(settings["policy"], PolicyConfig), 20 if part == 1 else budget)
            run(archive, policy, Flight(Numbers(archive, faults=0.1), Inline()), 1, random_seed=seed)
            archive.end(0, "so far")
            if part < 2:
                job = policy(archive.tree, stream(seed, archive.tree)) or Expand(next(iter(archive.tree.agents)))
                archive.start(job)
    events = list(LogReader(tmp_path / LOG).events())
    found = check(events)
    assert sum(isinstance(event, RunEnded) for event in events) == 4
    assert any(isinstance(event, JobFailed) and event.cause == "interrupted" for event in events)
    assert found.choices > 80
    assert [one.again for one in found.differences] == [None] * found.different, "only what was started by hand"
    assert found.different <= 2


def test_the_log_of_the_first_version_is_still_recomputed() -> None:
    found = check(list(LogReader(GOLDEN).events()))
    assert found.choices == found.same == 137


# ---------------------------------------------------------------- what cannot be recomputed


def changed(events: tuple[AnyEvent, ...], number: int) -> list[AnyEvent]:
    """The log with another task in one of its evaluations, as if that had been chosen."""
    tree, found = Tree(), []
    for event in events:
        if isinstance(event, JobStarted) and event.id >= number and isinstance(event.job, Evaluate) and number:
            other = next((task for task in tree.untried(tree.agents[event.job.agent]) if task != event.job.task), None)
            if other is not None:
                event, number = JobStarted(event.at, event.id, Evaluate(event.job.agent, other)), 0
        try:
            tree.apply(event)
        except ValueError:
            break
        found.append(event)
    return found


def test_a_log_that_was_changed_is_told() -> None:
    events = played("hgm", 1)
    forged = changed(events, 20)
    found = check(forged)
    assert found.differences
    assert found.differences[0].id >= 20
    assert found.different >= 1
    (choice,) = explain(forged, found.differences[0].id.__eq__, lambda _: 0)
    assert choice.same is False
    assert choice.again is not None
    assert choice.doubt


def test_a_log_of_another_version_is_told_apart() -> None:
    forged = changed(played("hgm", 1), 20)
    assert "another task for the same agent" in check(forged).differences[0].doubt
    start = forged[0]
    assert isinstance(start, RunConfigured)
    forged[0] = msgspec.structs.replace(start, version="0.0.7")
    assert "the log is by dgm 0.0.7" in check(forged).differences[0].doubt


def foreign(budget: int, config: PolicyConfig) -> object:
    raise AssertionError("the code of a policy was run that nobody named")


def mine(budget: int, config: PolicyConfig) -> object:
    return open_policy(msgspec.structs.replace(config, name="hgm"), budget)


def test_a_policy_that_is_none_of_ours_is_not_run_unless_it_is_named() -> None:
    events = played("hgm")
    start = events[0]
    assert isinstance(start, RunConfigured)
    inside = ("dgm.policies.hgm.__doc__", "dgm.policies.import_module", "dgm.policies.dgm.DGM.__doc__")
    for path in (f"{__name__}.foreign", "os.system", *inside):
        log = (msgspec.structs.replace(start, config=under(path)), *events[1:])
        found = check(log)
        assert found.unknown == found.choices
        assert "none of ours" in found.doubts[0]
        choice = all_of(log)[-1]
        assert choice.same is None
        assert choice.standing.agent == choice.job.agent, "what the log knows is told all the same"
    assert (
        "there is none of here"
        in check((msgspec.structs.replace(start, config=under("unknown")), *events[1:])).doubts[0]
    )
    own = f"{__name__}.mine"
    log = (msgspec.structs.replace(start, config=under(own)), *events[1:])
    assert check(log, own).same == check(events).choices


@pytest.mark.parametrize(
    "settings", [{}, {"run": {"evaluations": 9}}, {"run": {"evaluations": 9}, "policy": {"stop": "once"}}]
)
def test_a_log_that_does_not_say_how_it_was_made(settings: dict[str, object]) -> None:
    events = played("hgm")
    start = events[0]
    assert isinstance(start, RunConfigured)
    found = check((msgspec.structs.replace(start, config=settings), *events[1:]))
    assert found.unknown == found.choices
    assert len(found.doubts) == 1


def test_a_job_that_was_not_chosen_is_told() -> None:
    events = played("hgm", 1)
    tree, setup, started = next(one for one in retraced(events) if one[2].id == 30)
    job = Expand(tree.seeds[0].id, author=tree.seeds[0].id)
    choice = chosen(tree, setup, JobStarted(1.0, 30, job), 0)
    assert choice.same is False
    assert choice.job == job
    assert choice.again == started.job


def test_who_is_taken_as_the_second_is_behind() -> None:
    """RACE looks at the second of two half of the time, at the end."""
    behind = [choice.decisive.margin for choice in all_of(played("race", 1)) if choice.decisive]
    assert any(margin is not None and margin < 0 for margin in behind)
