"""`init`, `config` and `run` as processes, with real signals."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from dgm.archive import Archive, Reader
from dgm.cli.driving import CANCEL_GRACE, TERM_GRACE, Abandoned, Halt
from dgm.files import write_folder
from tests.benchmarks.samples import shop
from tests.cli.archives import SECONDS, dgm, environ
from tests.shells import SMOKED, shell

FEW = (
    "--set=sandbox.kind=local",
    "--set=run.tasks=3",
    "--set=run.evaluations=4",
    "--set=run.slots=2",
    "--set=policy.seed_evaluations=2",
    "--set=policy.warm_start=1",
    "--set=policy.alpha=0.1",  # no more children than that: some hang in their smoke test, twice for half a minute
)


def test_init_and_config(tmp_path: Path) -> None:
    assert dgm("init", "new", cwd=tmp_path).stdout == "new/dgm.toml\n"
    assert dgm("init", "new", cwd=tmp_path).returncode == 1
    plain = json.loads(dgm("config", "--json", cwd=tmp_path).stdout)
    assert json.loads(dgm("config", "new/dgm.toml", "--json", cwd=tmp_path).stdout) == plain
    text = dgm("config", "--set", "run.slots=7", cwd=tmp_path, DGM_RUN_EVALUATIONS="11").stdout
    assert "run.slots = 7\n" in text
    assert "run.evaluations = 11\n" in text


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--set", "run.evalutions=3"), "did you mean `run.evaluations`"),
        (("--set", "run.evaluations=many"), "run.evaluations"),
        (("no-such.toml",), "no-such.toml cannot be read"),
        (("--json",), "--json belongs to --dry-run"),
        (("--amend", "run.evalutions"), "did you mean `run.evaluations`"),
        (("--set", "run.benchmark=nonsense"), "nonsense"),
        (("--set", "run.seed=nonsense"), "nonsense"),
    ],
)
def test_bad_settings_are_usage_errors(tmp_path: Path, words: tuple[str, ...], said: str) -> None:
    done = dgm("run", *words, cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not list(tmp_path.iterdir())


def test_a_missing_engine_is_an_unfit_machine(tmp_path: Path) -> None:
    for dry in ([], ["--dry-run"]):
        done = dgm("run", "--set", "sandbox.kind=docker", *dry, cwd=tmp_path)
        assert done.returncode == 5
        assert "Traceback" not in done.stderr
        assert not dry or "sandbox      docker (not usable: the Docker engine at " in done.stdout
    assert dgm("run", *FEW, cwd=tmp_path).returncode == 0, "nothing of the failed start has to be amended"


def test_a_plan_tells_tasks_that_nobody_looked_at_from_a_sandbox_that_fails(tmp_path: Path) -> None:
    shop(tmp_path / "shop")
    plan = dgm("run", "--set", "run.benchmark=./shop", "--set", "sandbox.kind=local", "--dry-run", cwd=tmp_path)
    assert plan.returncode == 5
    assert "\nunprepared   1\n" in plan.stdout
    assert "not usable" not in plan.stdout


def test_a_policy_that_is_not_there_leaves_no_run_behind(tmp_path: Path) -> None:
    assert dgm("run", *FEW, "--set", "policy.name=nonsense", cwd=tmp_path).returncode == 2
    assert not list(tmp_path.iterdir())


def test_a_busy_archive_says_who_holds_it(tmp_path: Path) -> None:
    with Archive(tmp_path / "run"):
        done = dgm("run", *FEW, "--archive", tmp_path / "run")
    assert done.returncode == 1
    assert str(os.getpid()) in done.stderr


def test_a_plan_does_nothing(tmp_path: Path) -> None:
    done = dgm("run", *FEW, "--dry-run", "--json", cwd=tmp_path)
    plan = json.loads(done.stdout)
    assert (plan["tasks"], plan["evaluations"], plan["expansions"], plan["sandbox"]) == (3, 4, 1, "local")
    assert plan["unprepared"] == 0, "the starter benchmark is proven"
    assert (plan["upper_bound_usd"], plan["simulation"], plan["unfit"]) == (0.0, True, "")
    assert not list(tmp_path.iterdir())
    assert "at most $0.00" in dgm("run", *FEW, "--dry-run", cwd=tmp_path).stdout


def test_a_run_ends_with_a_report_and_is_idempotent(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    done = dgm("run", *FEW, "--archive", folder)
    assert done.returncode == 0, done.stderr
    for word in ("lineage", "best agent", "cost", "simulation", "4, "):
        assert word in done.stdout
    assert "Next: python -m dgm " in done.stderr
    length = Reader(folder).tree.length
    again = dgm("run", *FEW, "--archive", folder)
    assert again.returncode == 0
    assert Reader(folder).tree.evaluations == 4
    assert Reader(folder).tree.length <= length + 1
    refused = dgm("run", *FEW, "--set=run.evaluations=5", "--archive", folder)
    assert refused.returncode == 2
    assert "--amend run.evaluations" in refused.stderr
    more = dgm("run", *FEW, "--set=run.evaluations=5", "--amend=run.evaluations", "--archive", folder)
    assert more.returncode == 0, more.stderr
    assert Reader(folder).tree.evaluations == 5
    assert dgm("check", "--archive", folder).returncode == 0


@pytest.fixture
def sleeper(tmp_path: Path) -> Path:
    """A seed that does nothing for a very long time, except in the smoke test."""
    seed = tmp_path / "sleeper"
    write_folder(shell(f"{SMOKED}\nexec sleep 1000"), seed)
    return seed


def started(folder: Path, *words: str) -> subprocess.Popen[str]:
    """A run as a process of its own, of which a job is under way."""
    command = [sys.executable, "-m", "dgm", "run", *FEW, "--archive", str(folder), *words]
    process = subprocess.Popen(command, env=environ(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    for _ in range(SECONDS * 20):
        if process.poll() is not None or (folder.exists() and (folder / "events.log").exists() and running(folder)):
            return process
        time.sleep(0.05)
    process.kill()
    raise AssertionError(process.communicate())


def running(folder: Path) -> int:
    return len(Reader(folder).tree.running)


def test_one_interrupt_lets_running_jobs_finish(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    process = started(folder, "--set=run.evaluations=400", "--set=run.tasks=0")
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=SECONDS)
    assert process.returncode == 130, err
    assert re.search(r"waiting for the running ones to finish \(job \d+: (evaluate|expand) ", err)
    assert "The same command goes on from here" in err
    tree = Reader(folder).tree
    assert not tree.running
    assert not tree.failures["interrupted"]
    assert tree.ended is not None
    assert tree.ended.code == 130
    assert json.loads(dgm("status", "--json", "--archive", folder).stdout)["state"] == "interrupted"


def test_a_second_interrupt_cancels(tmp_path: Path, sleeper: Path) -> None:
    folder = tmp_path / "run"
    process = started(folder, f"--set=run.seed={sleeper}")
    process.send_signal(signal.SIGINT)
    time.sleep(1.5)
    assert process.poll() is None
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=SECONDS)
    assert process.returncode == 130, err
    assert "Cancelling" in err
    tree = Reader(folder).tree
    assert tree.failures["interrupted"] >= 1
    assert not tree.evaluations
    assert dgm("check", "--archive", folder).returncode == 0


def test_a_killed_run_goes_on(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    process = started(folder)
    process.kill()
    process.communicate(timeout=SECONDS)
    done = dgm("run", *FEW, "--archive", folder)
    assert done.returncode == 0, done.stderr
    assert Reader(folder).tree.evaluations == 4


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_signals_drain_then_cancel_then_abandon() -> None:
    said: list[str] = []
    cancelled: list[int] = []
    clock = Clock()
    halt = Halt(said.append, clock, lambda: cancelled.append(1))
    assert halt.poll() is None
    halt.catch(signal.SIGINT, None)
    end = halt.poll()
    assert end is not None
    assert end.code == 130
    assert (len(said), cancelled) == (1, [])
    halt.catch(signal.SIGINT, None)
    halt.poll()
    halt.poll()
    assert (len(said), cancelled) == (2, [1, 1])
    clock.now += CANCEL_GRACE + 1
    with pytest.raises(Abandoned):
        halt.poll()


def test_termination_cancels_after_a_while() -> None:
    clock = Clock()
    cancelled: list[int] = []
    halt = Halt(lambda text: None, clock, lambda: cancelled.append(1))
    halt.catch(signal.SIGTERM, None)
    assert halt.poll() is not None
    assert not cancelled
    clock.now += TERM_GRACE + 1
    halt.poll()
    assert cancelled


def test_an_interrupt_before_any_job_ends_at_once() -> None:
    halt = Halt(lambda text: None, Clock())
    with pytest.raises(KeyboardInterrupt):
        halt.catch(signal.SIGINT, None)


def test_a_third_interrupt_does_not_wait() -> None:
    halt = Halt(lambda text: None, Clock())
    assert halt.poll() is None
    for _ in range(3):
        halt.catch(signal.SIGINT, None)
    with pytest.raises(Abandoned):
        halt.poll()
