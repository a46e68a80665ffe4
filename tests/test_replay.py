"""Measurements: several seeds in one archive, gone on with, capped, and apart from the run that they come from."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from dgm import settings
from dgm.archive import LOG, Reader, read_tree
from dgm.check import check
from dgm.config import Config
from dgm.events import JobStarted
from dgm.files import File, Files
from dgm.flight import End
from dgm.jobs import Evaluate
from dgm.ledger import Ledger
from dgm.log import LogReader
from dgm.protocols import SandboxFault
from dgm.replay import measure, paid
from dgm.run import Run
from tests.provider_server import KEY, Provider, provider
from tests.shells import SMOKED, shell

TASKS = ("starter/slug", "starter/trie")
ONE, TWO = (shell(f"{SMOKED}\necho {n} > new.txt") for n in "12")
DUMB: Files = {"start": File(b"exit 3\n", True)}
ENVIRON = {"THE_KEY": KEY}


@pytest.fixture
def server() -> Iterator[Provider]:
    with provider() as running:
        yield running


def chosen(*words: str) -> Config:
    return settings.load(None, {}, ["sandbox.kind=local", "run.slots=1", *words])


def paying(url: str, *words: str) -> Config:
    """Each call costs 0.11 USD."""
    model = {"name": "openai/m", "api_base": url, "api_key_env": "THE_KEY", "max_tokens": 20}
    prices = {"usd_per_million_in": 100, "usd_per_million_out": 10_000}
    told = [f"models.default.{key}={value}" for key, value in (model | prices).items()]
    return chosen(*told, "sandbox.local_with_real_models=true", "caps.usd_per_job=0.5", "caps.usd_per_call=0.5", *words)


def test_agents_meet_every_task_in_each_repetition_and_those_that_do_not_work_are_named(tmp_path: Path) -> None:
    agents = {"one": ONE, "two": TWO, "the same": ONE, "dumb": DUMB}
    first, second = measure(agents, TASKS, chosen(), tmp_path, os.environ, repeats=2)
    for found in (first, second):
        assert found.end.code == 0
        assert found.ids["one"] == found.ids["the same"] != found.ids["two"]
        assert found.left_out.keys() == {"dumb"}
        assert "exit code 3" in found.left_out["dumb"]
        assert found.results("two").keys() == set(TASKS)
        assert (found.complete("one"), found.complete("dumb")) == (True, False)
        assert found.tree.tasks == TASKS
        assert {seed.summary for seed in found.tree.seeds} == {"Replay of one", "Replay of two"}
        assert Reader(found.cell.folder).source(found.ids["two"]) == TWO
        jobs = [event.job for event in LogReader(found.cell.folder / LOG).events() if isinstance(event, JobStarted)]
        assert [job.task for job in jobs][::2] == [job.task for job in jobs][1::2], "side by side"
        assert not [finding for finding in check(found.cell.folder) if finding.level != "note"]
    assert [found.tree.config["run"]["repeat"] for found in (first, second)] == [0, 1]


def test_a_finished_measurement_is_only_read_and_more_agents_and_tasks_can_join(tmp_path: Path) -> None:
    def lengths(agents: dict[str, Files], tasks: tuple[str, ...]) -> tuple[int, int]:
        (found,) = measure(agents, tasks, chosen(), tmp_path, os.environ)
        assert found.end.code == 0
        assert all(map(found.complete, agents))
        return read_tree(found.cell.folder).length, found.tree.evaluations

    both = {"one": ONE, "two": TWO}
    assert lengths({"one": ONE}, TASKS[:1]) == lengths({"one": ONE}, TASKS[:1])
    assert lengths(both, TASKS[:1])[1] == 2
    assert lengths(both, TASKS)[1] == 4
    assert lengths({"one": ONE}, TASKS[:1])[1] == 4


def test_agents_none_of_which_works_are_the_machines_fault(tmp_path: Path) -> None:
    with pytest.raises(SandboxFault, match="no agent passes the smoke test in the local sandbox; dumb: "):
        measure({"dumb": DUMB}, TASKS, chosen(), tmp_path, os.environ)


@pytest.mark.slow
@pytest.mark.usefixtures("litellm")
def test_the_cap_holds_for_all_cells_together_and_the_same_call_goes_on(tmp_path: Path, server: Provider) -> None:
    config, agents = paying(server.url), {"one": ONE, "two": TWO}

    def spent(usd: float) -> tuple[list[int], float, int]:
        found = measure(agents, TASKS, config, tmp_path, ENVIRON, repeats=2, usd=usd)
        done = sum(one.tree.evaluations for one in found)
        return [one.end.code for one in found], sum(paid(one.cell.folder) for one in found), done

    codes, usd, done = spent(1.1)
    assert codes == [0, 3]
    assert (usd, done) == (pytest.approx(0.11 * 6), 6)
    calls = len(server.seen)
    assert spent(1.1) == (codes, usd, done)
    assert len(server.seen) == calls, "nothing is paid to find out that it is not enough"
    assert spent(5.0) == ([0, 0], pytest.approx(0.11 * 8), 8)
    assert len(server.seen) == calls + 2 + 1, "and a greeting"


@pytest.mark.slow
@pytest.mark.usefixtures("litellm")
def test_what_the_run_has_paid_for_is_taken_in_the_first_repetition(tmp_path: Path, server: Provider) -> None:
    config = paying(server.url)
    measure({"one": ONE}, TASKS, config, tmp_path / "run", ENVIRON)
    calls = len(server.seen)
    first, second = measure({"one": ONE}, TASKS, config, tmp_path / "again", ENVIRON, repeats=2)
    assert (first.tree.spent.usd, second.tree.spent.usd) == (0, pytest.approx(0.22))
    assert len(server.seen) == calls + 1 + (1 + 2)


def test_what_a_killed_driver_has_paid_counts_against_the_cap(tmp_path: Path) -> None:
    def died(run: Run, folder: Path) -> End:
        archive = run.worker.archive
        started = archive.start(Evaluate(archive.tree.seeds[0].id, TASKS[0]))
        ledger = Ledger(archive.folder(started.id), durable=True)
        ledger.reserve(0.25, {"model": "m", "messages": []})
        ledger.close()
        return End(130, "killed")

    (found,) = measure({"one": ONE}, TASKS, chosen(), tmp_path, os.environ, drive=died)
    assert found.end.code == 130
    assert paid(found.cell.folder) == 0.25
    assert not found.settled("one")
    (found,) = measure({"one": ONE}, TASKS, chosen(), tmp_path, os.environ)
    assert (found.end.code, found.tree.failures["interrupted"]) == (0, 1)
    assert paid(found.cell.folder) == 0.25


def test_after_an_interruption_the_rest_is_only_looked_at(tmp_path: Path) -> None:
    found = measure(
        {"one": ONE}, TASKS, chosen(), tmp_path, os.environ, repeats=3, drive=lambda run, folder: End(130, "a signal")
    )
    assert [one.end.code for one in found] == [130, 130, 130]
    assert (tmp_path / "0" / LOG).exists()
    assert not (tmp_path / "1").exists()


def test_what_ends_one_measurement_for_a_reason_of_its_own_ends_no_other(tmp_path: Path) -> None:
    found = measure(
        {"one": ONE}, TASKS, chosen(), tmp_path, os.environ, repeats=2, drive=lambda run, folder: End(1, "no model")
    )
    assert [one.end.code for one in found] == [1, 1]
    assert (tmp_path / "1" / LOG).exists()
