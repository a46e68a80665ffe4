"""The loop, with a simulated world in place of models and sandboxes; archive, git and threads are real."""

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from dgm.archive import Archive, read_tree
from dgm.config import PolicyConfig
from dgm.events import JobStarted, RunConfigured
from dgm.executors import Inline, Threads
from dgm.flight import End, Flight, Patience, Work
from dgm.jobs import Assignment, Evaluate, Expand, Failure, JobId, Outcome, Usage, Verdict
from dgm.log import LogReader
from dgm.machine import run, stream
from dgm.policies.hgm import HGM
from dgm.testing import World, numbered
from dgm.tree import Tree

TASKS = tuple(f"toy/{n}" for n in range(20))


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    with new(tmp_path / "run") as archive:
        yield archive


def new(path: Path) -> Archive:
    archive = Archive(path, clock=lambda: 1.0)  # so that equal agents have equal hashes in every test
    archive.configure(RunConfigured(1.0, "0", {"policy": {"patience": 3}}, TASKS, "v"))
    archive.seed(numbered(0.3))
    return archive


def go(archive: Archive, work: Work, budget: int = 60, slots: int = 4, tick: float = 0.05, **options: object) -> End:
    executor = Inline() if slots == 1 else Threads()
    return run(archive, HGM(budget, PolicyConfig()), Flight(work, executor), slots, tick=tick, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("slots", [1, 8])
def test_it_ends_when_the_budget_is_spent(archive: Archive, slots: int) -> None:
    world = World(archive, seconds=lambda rng: rng.random() / 500)
    assert go(archive, world, slots=slots) == End(0, "the budget is spent")
    tree = archive.tree
    assert tree.evaluations == 60
    assert not tree.running
    assert len(tree.agents) > 3
    assert len({(a.job.agent, a.job.task) for a in world.done if isinstance(a.job, Evaluate)}) == 60
    assert read_tree(archive.path).spent == tree.spent


def test_running_it_again_does_nothing(archive: Archive) -> None:
    go(archive, World(archive))
    length = archive.tree.length
    assert go(archive, World(archive)).code == 0
    assert archive.tree.length == length


def test_every_choice_can_be_recomputed_from_the_log(archive: Archive) -> None:
    go(archive, World(archive, seconds=lambda rng: rng.random() / 500), slots=8)
    tree = Tree()
    policy = HGM(60, PolicyConfig())
    for event in LogReader(archive.path / "events.log").events():
        if isinstance(event, JobStarted):
            assert policy(tree, stream(0, tree)) == event.job
        tree.apply(event)


def test_a_run_in_two_parts_continues_where_it_was(tmp_path: Path) -> None:
    with new(tmp_path / "whole") as whole:
        go(whole, World(whole), slots=1)
    stop = iter([None] * 25)
    with new(tmp_path / "part") as part:
        assert go(part, World(part), slots=1, halted=lambda: next(stop, End(130, "interrupted"))).code == 130
        assert part.tree.evaluations < 60
    with Archive(tmp_path / "part", clock=lambda: 1.0) as part:
        assert go(part, World(part), slots=1).code == 0
    trees = read_tree(tmp_path / "whole"), read_tree(tmp_path / "part")
    assert [agent.results for agent in trees[0].agents.values()] == [
        agent.results for agent in trees[1].agents.values()
    ]


def test_what_an_earlier_driver_left_running_is_charged_and_over(archive: Archive) -> None:
    archive.start(Expand(archive.tree.seeds[0].id))
    go(archive, World(archive, usd=0.5), budget=5)
    assert archive.tree.failures["interrupted"] == 1
    assert archive.tree.spent.usd == pytest.approx(0.5 * (5 + 1 + archive.tree.next_job - 2 - 5))


def test_faults_of_the_environment_are_no_scores_and_are_tried_again(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Patience, "FIRST", 0.01)
    assert go(archive, World(archive, faults=0.3), tick=0.005).code == 0
    assert archive.tree.failures["infra"] > 5
    assert archive.tree.evaluations <= 60
    assert archive.tree.evaluations == archive.tree.solved + sum(a.failed for a in archive.tree.agents.values())


def test_spending_stops_before_a_job_that_might_pass_the_cap(archive: Archive) -> None:
    end = go(archive, World(archive, usd=0.25, cap=5.0))
    assert end.code == 3
    assert archive.tree.spent.usd == 5.0


def test_an_agent_that_has_used_up_its_cap_is_left_alone(tmp_path: Path) -> None:
    caps = {"usd_per_job": 0.25, "usd_per_agent": 4.0}
    with Archive(tmp_path / "capped", clock=lambda: 1.0) as archive:
        archive.configure(RunConfigured(1.0, "0", {"caps": caps, "run": {"evaluations": 60}}, TASKS, "v"))
        archive.seed(numbered(0.3))
        assert go(archive, World(archive, usd=0.25), slots=1).code == 0
        assert archive.tree.evaluations == 60
        assert max(agent.usage.usd for agent in archive.tree.agents.values()) == 4.0


def test_a_run_whose_agents_have_all_used_up_their_caps_says_so(tmp_path: Path) -> None:
    caps = {"usd_per_job": 0.25, "usd_per_agent": 0.25}
    with Archive(tmp_path / "capped", clock=lambda: 1.0) as archive:
        archive.configure(RunConfigured(1.0, "0", {"caps": caps, "run": {"evaluations": 60}}, TASKS, "v"))
        archive.seed(numbered(0.3))
        end = go(archive, World(archive, usd=0.25), slots=1)
        assert end.code == 3
        assert "usd_per_agent" in end.reason


@dataclass
class Broken(World):
    """A world in which the environment fails every job."""

    cause: str = "infra"

    def do(self, assignment: Assignment) -> Outcome:
        self.done.append(assignment)
        return Failure(self.cause, "no engine answers", Usage())  # type: ignore[arg-type]


@pytest.mark.parametrize(("cause", "jobs"), [("infra", 3), ("provider", 1), ("lost", 3)])
def test_an_outage_pauses_the_run_instead_of_burning_it(archive: Archive, cause: str, jobs: int) -> None:
    world = Broken(archive, cause=cause)
    until = time.monotonic() + 0.4
    go(archive, world, slots=1, halted=lambda: End(130, "seen enough") if time.monotonic() > until else None)
    assert len(world.done) == jobs
    assert archive.tree.paused is not None
    assert archive.tree.paused.reason == "no engine answers"
    assert archive.tree.evaluations == 0


def test_an_outage_that_does_not_end_stops_the_run(archive: Archive) -> None:
    end = go(archive, Broken(archive, cause="provider"), slots=1, pause_hours=0.0)
    assert end.code == 1
    assert "no engine answers" in end.reason


@dataclass
class Stuck(World):
    """A world in which the first evaluation hangs, and cannot even be cancelled."""

    def do(self, assignment: Assignment) -> Outcome:
        if assignment.id == 1:
            threading.Event().wait(30)
        return super().do(assignment)


def test_a_stuck_job_stalls_no_other_and_is_given_up(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dgm.flight.GRACE", 0.1)
    world = Stuck(archive, patient=0.3)
    began = time.monotonic()
    assert go(archive, world).code == 0
    assert time.monotonic() - began < 20
    assert archive.tree.failures["lost"] == 1
    assert archive.tree.evaluations == 60


@dataclass
class Dying(World):
    """A world in which a worker dies under its job."""

    def do(self, assignment: Assignment) -> Outcome:
        if assignment.id in (2, 5):
            raise SystemExit("the worker is gone")
        return super().do(assignment)


def test_a_worker_that_dies_loses_its_job_only(archive: Archive) -> None:
    assert go(archive, Dying(archive)).code == 0
    assert archive.tree.failures["lost"] == 2
    assert archive.tree.evaluations == 60


@dataclass
class Kept(World):
    """A world in which the paid part of job 1 was kept."""

    def resumable(self, job: JobId) -> bool:
        return job == 1

    def do(self, assignment: Assignment) -> Outcome:
        self.done.append(assignment)
        return Verdict(True)


@dataclass
class Cut(Kept):
    """A world in which all jobs are cancelled."""

    def do(self, assignment: Assignment) -> Outcome:
        self.done.append(assignment)
        self.stopped.wait(30)
        return Failure("interrupted", "it was cancelled")


def test_a_cancelled_job_whose_paid_part_was_kept_stays_open(archive: Archive) -> None:
    world = Cut(archive)

    def halted() -> End | None:
        if not world.done:
            return None
        world.cancel()
        return End(130, "enough")

    assert go(archive, world, slots=2, halted=halted).code == 130
    assert list(archive.tree.running) == [1]
    go(archive, Kept(archive), budget=1)
    assert archive.tree.solved == 1
    assert not archive.tree.running


def test_a_job_whose_paid_part_was_kept_is_finished_under_its_own_number(archive: Archive) -> None:
    archive.start(Evaluate(archive.tree.seeds[0].id, TASKS[0]))
    archive.start(Evaluate(archive.tree.seeds[0].id, TASKS[1]))
    world = Kept(archive)
    go(archive, world, budget=1)
    assert [assignment.id for assignment in world.done] == [1]
    assert archive.tree.seeds[0].results == {TASKS[0]: True}
    assert archive.tree.failures["interrupted"] == 1
