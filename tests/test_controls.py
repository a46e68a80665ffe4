"""Controls: how much they do, that they go on, what they may cost, and what is said of them beside the search."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import pytest
from msgspec.structs import replace

from dgm import machine, settings
from dgm.archive import Archive, Reader, read_tree
from dgm.arms import falls_short, is_over, needed, run_controls, settings_of, spent_on_controls
from dgm.check import check
from dgm.config import Config, Control
from dgm.controls import DERIVED, Spent, agent_of, folder_of, known_agents, source_of, spent_by
from dgm.controls.standing import Controls, over_tasks, standings
from dgm.events import AgentBorn, JobStarted, RunConfigured
from dgm.executors import Threads
from dgm.files import digest, write_folder
from dgm.flight import End, Flight
from dgm.jobs import Assignment, Evaluate, Expand, Outcome, Rewrite, Usage, Verdict
from dgm.policies import RESAMPLE, open_policy
from dgm.policies.budget import worth
from dgm.report import NoSuchAgent
from dgm.run import Run, start_run
from dgm.testing import World, numbered
from dgm.tree import Tree
from tests.cli.archives import TASKS, source
from tests.shells import SMOKED, shell

BOTH = 'run.controls=["resample", "best-of-n"]'


@dataclass
class Lucky(World):
    """Agents that solve what luck gives them; jobs cost `usd`, those of the seed `cheaper` times less."""

    cheaper: float = 1.0

    def assign(self, started: JobStarted) -> Assignment:
        found = super().assign(started)
        return found if found.source["start"].data[:1].isdigit() else replace(found, source=numbered(0.4))

    def do(self, assignment: Assignment) -> Outcome:
        outcome = super().do(assignment)
        seed = isinstance(assignment.job, Evaluate) and assignment.source == numbered(0.4)
        return replace(outcome, usage=Usage(self.usd / self.cheaper)) if seed else outcome

    def affordable(self, tree: Tree) -> bool:
        return tree.spent.usd + (len(tree.running) + 1) * self.usd <= self.cap


class Driver(NamedTuple):
    """Drives runs in a world in which a job costs `usd`, and stops each after `most` jobs."""

    usd: float = 0.0
    cheaper: float = 1.0
    most: int = 10_000

    def __call__(self, name: Control, run: Run, folder: Path) -> End:
        archive, config = run.worker.archive, run.worker.config
        world = Lucky(archive, usd=self.usd, cap=config.caps.usd_per_run, cheaper=self.cheaper)
        until = archive.tree.next_job + self.most

        def halted() -> End | None:
            return End(130, "enough") if archive.tree.next_job >= until else None

        policy = open_policy(config.policy, config.run.evaluations)
        end = machine.run(archive, policy, Flight(world, Threads()), 2, halted, tick=0.01)
        archive.end(end.code, end.reason)
        archive.mirror()
        return end


def driven(folder: Path) -> bool | None:
    return False


@pytest.fixture
def chosen(tmp_path: Path) -> list[str]:
    """Settings of a run with both controls."""
    write_folder(shell(SMOKED), tmp_path / "seed")
    return ["run.evaluations=40", BOTH, "sandbox.kind=local", f"run.seed={tmp_path / 'seed'}"]


def load(*overrides: str) -> Config:
    return settings.load(None, {}, overrides)


def searched(config: Config, folder: Path, driver: Driver) -> Tree:
    with start_run(config, folder, {}, settings.flat(settings.resolved(config))) as run:
        assert driver("resample", run, folder).code == 0
    return read_tree(folder)


def ended(config: Config, folder: Path, driver: Driver) -> dict[Control, int]:
    """The exit codes of the controls that were driven."""
    return {name: end.code for name, end in run_controls(config, folder, {}, driver)}


# ---------------------------------------------------------------- driven


def test_each_spends_the_searchs_worth_on_the_same_seed_and_tasks_and_then_rests(
    tmp_path: Path, chosen: list[str]
) -> None:
    config, folder = load(*chosen), tmp_path / "run"
    search = searched(config, folder, Driver())
    assert ended(config, folder, Driver()) == {"resample": 0, "best-of-n": 0}
    resample, best_of_n = (read_tree(folder_of(folder, name)) for name in ("resample", "best-of-n"))
    assert resample.evaluations == round(spent_by(search).worth)
    assert not resample.expansions
    assert spent_by(search).of(best_of_n).share(spent_by(search)) == pytest.approx(1, abs=0.1)
    assert all(agent.depth < 2 for agent in best_of_n.agents.values()), "no tree"
    for tree in (resample, best_of_n):
        assert tree.tasks == search.tasks
        assert {seed.digest for seed in tree.seeds} == {search.seeds[0].digest}
        assert DERIVED.issuperset(settings.differences(search.config, tree.config))
    assert not any(check(folder_of(folder, name)) for name in ("resample", "best-of-n"))
    assert not check(folder)
    assert ended(config, folder, Driver()) == {"resample": 0, "best-of-n": 0}
    for name, tree in (("resample", resample), ("best-of-n", best_of_n)):
        assert read_tree(folder_of(folder, name)).length == tree.length, "nothing is written where nothing is left"

    more = load(*chosen, "run.evaluations=50")
    worth = spent_by(searched(more, folder, Driver())).worth
    assert ended(more, folder, Driver()) == {"resample": 0, "best-of-n": 0}
    assert read_tree(folder_of(folder, "resample")).evaluations == round(worth) > resample.evaluations


def test_they_spend_the_money_that_the_search_has_spent(tmp_path: Path, chosen: list[str]) -> None:
    config, folder = load(*chosen), tmp_path / "run"
    driver = Driver(usd=0.01, cheaper=3.0)
    usd = searched(config, folder, driver).spent.usd
    assert ended(config, folder, driver) == {"resample": 0, "best-of-n": 0}
    resample, best_of_n = (read_tree(folder_of(folder, name)) for name in ("resample", "best-of-n"))
    assert resample.evaluations > 2.5 * usd / 0.01, "its evaluations are cheaper, so there are more of them"
    assert resample.spent.usd == pytest.approx(usd, abs=0.01)
    assert best_of_n.spent.usd == pytest.approx(usd, abs=0.025), "the last jobs may pass it"


def test_one_cap_holds_for_all(tmp_path: Path, chosen: list[str]) -> None:
    folder, driver = tmp_path / "run", Driver(usd=0.01)
    usd = searched(load(*chosen), folder, driver).spent.usd
    tight = load(*chosen, f"caps.usd_per_run={1.5 * usd:.6f}")
    assert ended(tight, folder, driver) == {"resample": 3}, "the second is not begun"
    assert 1.4 * usd < usd + spent_on_controls(folder) <= tight.caps.usd_per_run
    with start_run(tight, folder, {}, {"caps.usd_per_run"}, elsewhere=spent_on_controls(folder)) as run:
        assert run.worker.config.caps.usd_per_run == pytest.approx(tight.caps.usd_per_run - spent_on_controls(folder))
        assert run.worker.archive.tree.config["caps"]["usd_per_run"] == tight.caps.usd_per_run
    assert ended(load(*chosen), folder, driver) == {"resample": 0, "best-of-n": 0}, "with more, it goes on"


def test_they_go_on_where_they_were(tmp_path: Path, chosen: list[str]) -> None:
    folder, config = tmp_path / "run", load(*chosen)
    search = searched(config, folder, Driver())
    stops = 0
    while 130 in (ends := ended(config, folder, Driver(most=30))).values():
        assert list(ends.values()).index(130) == len(ends) - 1, "the next one waits"
        stops += 1
    assert stops > 2
    assert read_tree(folder_of(folder, "resample")).evaluations == round(spent_by(search).worth)
    assert not any(check(folder_of(folder, name)) for name in ("resample", "best-of-n"))


def test_the_seed_is_the_one_that_the_search_began_with(tmp_path: Path, chosen: list[str]) -> None:
    config, folder = load(*chosen, 'run.controls=["resample"]'), tmp_path / "run"
    search = searched(config, folder, Driver())
    (tmp_path / "seed" / "start").write_text("true\n")
    assert ended(config, folder, Driver()) == {"resample": 0}
    assert read_tree(folder_of(folder, "resample")).seeds[0].digest == search.seeds[0].digest


# ---------------------------------------------------------------- how much each does


def grown(folder: Path, solved: Sequence[int], usd: float = 0.0, copies: int = 0, config: Config | None = None) -> Tree:
    """A run with an agent for each of `solved`, which solves so many of five tasks; or with `copies` of its seed."""
    config = config or load(BOTH)
    with Archive(folder) as archive:
        archive.configure(RunConfigured(1e9, "0", settings.resolved(config), TASKS[:5], "v1"))
        agents = [archive.seed(source(0))]
        agents += [archive.repeat(number) for number in range(2, copies + 1)]
        for number in range(1, 0 if copies else len(solved)):
            born = archive.finish(archive.start(Expand(agents[0])).id, Rewrite(source(number), "a \x1b[2J", Usage(usd)))
            assert isinstance(born, AgentBorn)
            agents.append(born.agent)
        for agent, wins in zip(agents, solved, strict=True):
            for number, task in enumerate(TASKS[:5]):
                archive.finish(archive.start(Evaluate(agent, task)).id, Verdict(number < wins, Usage(usd)))
        archive.end(0, "the budget is spent")
    return read_tree(folder)


def test_what_a_search_has_spent_decides_how_much_they_do(tmp_path: Path) -> None:
    search = grown(tmp_path / "run", [2, 3, 1], usd=0.1)
    budget = spent_by(search)
    assert budget.usd == pytest.approx(1.7)
    assert budget.worth == pytest.approx(15 + 2 * budget.price)
    wanted = settings_of("resample", load(BOTH), search, Tree())
    assert (wanted.policy.name, wanted.policy.usd, wanted.run.cache) == (RESAMPLE, budget.usd, False)
    assert wanted.run.tasks == search.tasks
    assert wanted.run.evaluations == round(budget.worth)
    n = needed("best-of-n", budget)
    assert worth(n, budget.price) <= budget.worth < worth(n + 1, budget.price)
    assert needed("best-of-n", Spent(0.0, 0.0, 5.0)) == 1


def test_one_that_is_cheaper_does_more_until_the_money_is_spent(tmp_path: Path) -> None:
    search = grown(tmp_path / "run", [2, 3, 1], usd=0.1)
    config = settings_of("resample", load(BOTH), search, Tree())
    cheap = grown(tmp_path / "cheap", [2, 2], usd=0.05, copies=2, config=config)
    assert falls_short(cheap, spent_by(search))
    wanted = settings_of("resample", load(BOTH), search, cheap)
    assert wanted.run.evaluations > config.run.evaluations
    assert not is_over(cheap, wanted)
    dear = grown(tmp_path / "dear", [2, 2], usd=0.2, copies=2, config=config)
    assert is_over(dear, settings_of("resample", load(BOTH), search, dear))


def test_repetitions_are_agents_of_their_own_with_one_source(tmp_path: Path) -> None:
    tree = grown(tmp_path / "run", [2, 4, 3], copies=3)
    assert len({seed.id for seed in tree.seeds}) == 3
    assert len({seed.digest for seed in tree.seeds}) == 1
    assert tree.seeds[2].summary == "Repetition 3 of the seed"
    with Archive(tmp_path / "run") as archive:
        assert archive.repeat(2) == tree.seeds[1].id, "the same again is the same"
        assert len(archive.tree.seeds) == 3
        archive.mirror()
    assert not check(tmp_path / "run")


# ---------------------------------------------------------------- side by side


def beside(tmp_path: Path, search: Sequence[int], resample: Sequence[int], best_of_n: Sequence[int] = ()) -> Controls:
    folder = tmp_path / "run"
    tree = grown(folder, search)
    config = settings_of("resample", load(BOTH), tree, Tree())
    grown(folder_of(folder, "resample"), resample, copies=len(resample), config=config)
    if best_of_n:
        grown(folder_of(folder, "best-of-n"), best_of_n, config=settings_of("best-of-n", load(BOTH), tree, Tree()))
    found = standings(folder, tree, 2e9, driven)
    assert found is not None
    return found


def test_the_search_stands_beside_its_controls(tmp_path: Path) -> None:
    found = beside(tmp_path, [1, 2, 5], [1, 2, 0], [1, 3])
    assert found.wanted == ("resample", "best-of-n")
    assert [one.standing.name for one in found.controls] == ["resample", "best-of-n"]
    resample, best_of_n = found.controls
    assert (resample.champion, best_of_n.champion) == ("", "best-of-n:best")
    assert not resample.differing
    assert not best_of_n.differing
    against = best_of_n.against
    assert against is not None
    assert (against.tasks, against.gained, against.lost, against.same) == (5, 2, 0, False)
    assert best_of_n.place == "level", "two tasks more may be luck"
    repeated = resample.repetitions
    assert repeated is not None
    assert (repeated.whole, repeated.tasks, repeated.luckiest, repeated.alike) == (3, 5, 2, False)
    assert repeated.rate == pytest.approx(3 / 15)
    assert repeated.expected > repeated.rate * 5
    assert repeated.low < repeated.rate < repeated.high
    assert found.seed_rate == repeated.rate
    assert found.luck is not None
    assert found.luck > found.seed_rate


def test_pass_at_k_over_tasks_by_hand(tmp_path: Path) -> None:
    repeated = beside(tmp_path, [1], [1, 2, 0]).controls[0].repetitions
    assert repeated is not None  # of three tries, task 0 was solved in two, task 1 in one, the others in none
    assert repeated.passed == pytest.approx({1: 3 / 15, 2: (1 + 2 / 3) / 5, 3: 2 / 5})


def test_a_model_that_always_answers_the_same_is_found_out(tmp_path: Path) -> None:
    repeated = beside(tmp_path, [1, 2], [2, 2]).controls[0].repetitions
    assert repeated is not None
    assert repeated.alike
    assert repeated.expected == repeated.luckiest == 2


@pytest.mark.parametrize("solved", [0, 5])
def test_a_seed_that_solves_nothing_or_everything(tmp_path: Path, solved: int) -> None:
    found = beside(tmp_path, [solved, solved], [solved, solved], [solved])
    assert {one.place for one in found.controls} == {"level"}
    repeated = found.controls[0].repetitions
    assert repeated is not None
    assert repeated.rate == solved / 5
    assert 0 <= repeated.low < repeated.high <= 1
    assert found.luck == pytest.approx(solved / 5)


def test_one_that_has_not_finished_is_not_compared(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    tree = grown(folder, [1, 5])
    with Archive(folder_of(folder, "resample")) as archive:
        archive.configure(RunConfigured(1e9, "0", settings.resolved(load()), TASKS[:5], "v1"))
        archive.seed(source(0))
    found = standings(folder, tree, 2e9, driven)
    assert found is not None
    (one,) = found.controls
    assert (one.place, one.repetitions, one.standing.state) == ("unfinished", None, "stopped")
    assert one.differing == (), "what was chosen for it is not held against it"


def test_there_are_none(tmp_path: Path) -> None:
    tree = grown(tmp_path / "run", [1], config=load())
    assert standings(tmp_path / "run", tree, 2e9, driven) is None
    wanted = grown(tmp_path / "wanted", [1])
    found = standings(tmp_path / "wanted", wanted, 2e9, driven)
    assert found is not None
    assert (found.wanted, found.controls) == (("resample", "best-of-n"), ())


def test_other_settings_are_named(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    tree = grown(folder, [1, 5])
    config = settings_of("best-of-n", load(BOTH, "attempt.seconds=7"), tree, Tree())
    grown(folder_of(folder, "best-of-n"), [1, 2], config=config)
    found = standings(folder, tree, 2e9, driven)
    assert found is not None
    assert found.controls[0].differing == ("attempt.seconds",)


def test_agents_of_controls_have_names(tmp_path: Path) -> None:
    beside(tmp_path, [1, 5], [1, 2], [1, 3])
    folder = tmp_path / "run"
    search = Reader(folder)
    ours, theirs = agent_of(search, "best"), agent_of(search, "best-of-n:best")
    assert (ours.solved, theirs.solved) == (5, 3)
    assert known_agents(folder, search.tree, (ours.id, theirs.id, "0" * 40)).keys() == {ours.id, theirs.id}
    assert digest(source_of(search, theirs.id)) == theirs.digest
    assert digest(source_of(search, ours.id)) == ours.digest
    with pytest.raises(KeyError):
        source_of(search, "0" * 40)
    for name in ("best-of-m:best", ":best", "../run:best"):
        with pytest.raises(NoSuchAgent, match="there is resample:best, best-of-n:best"):
            agent_of(search, name)


def test_repetitions_of_a_task_are_no_new_tasks() -> None:
    once, often = over_tasks([0.0, 1.0] * 10, 20), over_tasks([0.0, 1.0] * 10, 2000)
    assert once == often, "where all tries of a task agree, more of them tell nothing"
    low, high = over_tasks([0.4, 0.6] * 10, 2000)
    assert once[0] < low < 0.5 < high < once[1], "and where tasks are alike, a try of one tells of the others"
    assert over_tasks([0.0] * 20, 400) == over_tasks([0.0] * 20, 20)
    assert over_tasks([1.0], 1) == over_tasks([1.0], 50)
