"""`dgm validate` on a real small run, and that nothing of held-out tasks is ever seen in the run itself."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest

from dgm.archive import read_tree
from dgm.cli.validating import Report
from dgm.policies import POLICIES
from tests.cli.archives import Told, dgm, environ, look, on_terminal
from tests.starter import starter

HELD = ["run.held_out=3", "run.evaluations=8", "sandbox.kind=local", "run.slots=2"]
EARLY = ["policy.seed_evaluations=3", "policy.warm_start=2", "run.random_seed=3"]


def run(folder: Path, *more: str, amend: str = "") -> Told:
    words = [word for one in (*HELD, *EARLY, *more) for word in ("--set", one)]
    return dgm("run", "--archive", folder, *words, *(["--amend", amend] if amend else []))


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run with six held-out tasks, all of whose requests to the model are in `requests` beside it."""
    folder = tmp_path_factory.mktemp("runs") / "run"
    requests = folder.parent / "requests"
    told = run(folder, f"models.default.record={requests}")
    assert told.returncode == 0, told.stderr
    (folder.parent / "size").write_text(str(requests.stat().st_size))
    return folder


@pytest.fixture(scope="module")
def compared(searched: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, Report]:
    """A copy of it, an agent that was compared with the seed there, and what came of it."""
    folder = copied(searched, tmp_path_factory.mktemp("compared") / "run")
    rival = child(folder)
    return folder, rival, validated(folder, rival)


def validated(folder: Path, *words: object) -> Report:
    told = look("validate", "--archive", folder, "--trust", "--json", *words)
    assert told.returncode == 0, told.stderr
    return msgspec.json.decode(told.stdout, type=Report)


def child(folder: Path) -> str:
    return next(agent.id for agent in read_tree(folder).agents.values() if agent.parent)


def copied(folder: Path, to: Path) -> Path:
    subprocess.run(["cp", "-r", folder, to], check=True)
    return to


def forbidden(folder: Path) -> list[bytes]:
    """What must not be seen: the ids of held-out tasks, and how their statements begin, also as JSON has it."""
    whole, found = starter(), []
    for task in read_tree(folder).held_out:
        statement = whole.task(task).statement.strip()[:60]
        found += [task.encode(), statement.encode(), msgspec.json.encode(statement)[1:-1]]
    assert len(found) == 9
    return found


def everything(folder: Path) -> bytes:
    """All that a run has written, but for the events that say which tasks are held out."""
    said = [path.read_bytes() for path in folder.rglob("*") if path.is_file() and path.name != "events.log"]
    lines = (folder / "events.log").read_bytes().splitlines()
    said += [line for line in lines if b'"event":"run_configured"' not in line]
    git = ["git", "-C", folder / "agents.git", "log", "--all", "-p", "--notes=dgm"]
    return b"\n".join([*said, subprocess.run(git, check=True, capture_output=True).stdout])


def test_a_run_never_sees_what_it_holds_out(searched: Path, compared: tuple[Path, str, Report], tmp_path: Path) -> None:
    hidden = forbidden(searched)
    assert not [word for word in hidden if word in everything(searched)]
    requests = (searched.parent / "requests").read_bytes()
    said = requests[: int((searched.parent / "size").read_text())]
    assert said
    assert not [word for word in hidden if word in said]
    # Where they are attempted they are to be seen, so the search for them can find something; and nowhere else.
    cells = b"".join(path.read_bytes() for path in (compared[0] / "validations").rglob("*.json*"))
    assert all(word in cells for word in hidden[2::3])
    apart = copied(compared[0], tmp_path / "run")
    (apart / "validations").rename(tmp_path / "validations")
    assert not [word for word in hidden if word in everything(apart)]


@pytest.mark.slow
def test_a_run_that_goes_on_after_a_validation_sees_nothing_of_it(searched: Path, tmp_path: Path) -> None:
    folder, requests = copied(searched, tmp_path / "run"), searched.parent / "requests"
    validated(folder, child(folder))
    hidden, before, size = forbidden(folder), read_tree(folder), requests.stat().st_size
    told = run(folder, f"models.default.record={requests}", "run.evaluations=20", amend="run.evaluations")
    assert told.returncode == 0, told.stderr
    after, said = read_tree(folder), requests.read_bytes()[size:]
    assert after.evaluations > before.evaluations
    assert after.held_out == before.held_out
    assert said
    assert not [word for word in hidden if word in said]
    (folder / "validations").rename(tmp_path / "moved")
    assert not [word for word in hidden if word in everything(folder)]


@pytest.mark.parametrize("policy", sorted(set(POLICIES) - {"hgm"}))
def test_no_policy_asks_for_a_held_out_task(policy: str) -> None:
    """Each of ours, on a simulated world whose tree says what is held out."""
    import numpy as np

    from dgm.config import PolicyConfig
    from dgm.events import AgentBorn, JobStarted, RunConfigured, TaskScored
    from dgm.jobs import Evaluate
    from dgm.policies import open_policy
    from dgm.tree import Tree

    tree = Tree([RunConfigured(1.0, "0", {}, ("t/1", "t/2", "t/3"), "v", held_out=("t/x", "t/y"))])
    tree.apply(AgentBorn(2.0, "a" * 40, "d0"))
    choose, rng = open_policy(PolicyConfig(name=policy, seed_evaluations=2, warm_start=1), 12), np.random.default_rng(0)
    for n in range(1, 16):
        job = choose(tree, rng)
        if job is None:
            break
        assert job.task not in tree.held_out
        tree.apply(JobStarted(2.0 + n, n, job))
        if isinstance(job, Evaluate):
            tree.apply(TaskScored(2.5 + n, n, solved=bool(rng.random() < 0.5)))
        else:
            tree.apply(AgentBorn(2.5 + n, f"{n:040x}", f"d{n}", job.agent, n))
    assert tree.evaluations


def test_a_validation_is_made_once_and_shown_again(compared: tuple[Path, str, Report]) -> None:
    folder, rival, found = compared
    assert found.validation.finished
    assert found.validation.number == 1
    assert found.validation.match(rival) is not None
    marks = {path: path.stat().st_mtime_ns for path in (folder / "validations").rglob("*/events.log")}
    value: dict[str, Any] = json.loads(look("validate", rival, "--archive", folder, "--json").stdout)
    assert msgspec.convert(value, Report) == found
    said = look("validate", rival, "--archive", folder).stdout
    assert "verdict " in said
    for word in ("improved", "worse"):
        assert (word in said) == any(one.verdict == word for one in found.validation.matches)
    assert {path: path.stat().st_mtime_ns for path in marks} == marks, "nothing is attempted again"
    best = look("best", "--archive", folder).stdout
    assert ("held out " in best) == (best_of(folder) != "seed")


def best_of(folder: Path) -> str:
    tree = read_tree(folder)
    return "seed" if tree.best() is tree.seeds[0] else "child"


@pytest.mark.slow
def test_a_killed_validation_goes_on(searched: Path, tmp_path: Path) -> None:
    folder = copied(searched, tmp_path / "run")
    rival = child(folder)
    words = [sys.executable, "-m", "dgm", "validate", rival, "--trust", "--archive", str(folder)]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environ())
    log = None
    while process.poll() is None and (log is None or log.read_bytes().count(b"task_scored") < 2):
        log = next(iter(folder.glob("validations/*/0/events.log")), None)
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert log is not None
    scored = log.read_bytes().count(b"task_scored")
    found = validated(folder, rival)
    assert found.validation.finished
    assert found.validation.number == 1
    assert log.read_bytes().count(b"task_scored") == 3 * len(found.validation.scores) >= scored


def test_without_held_out_tasks_nothing_is_made_up(grown: tuple[Path, list[str]]) -> None:
    told = look("validate", "--archive", grown[0])
    assert (told.returncode, told.stdout) == (1, "")
    assert "has no held-out tasks" in told.stderr
    assert "run.held_out=N" in told.stderr
    assert not (grown[0] / "validations").exists()


def test_what_cannot_be_compared_is_refused(searched: Path, tmp_path: Path) -> None:
    for words, reason in ((["zzzz"], "no agent is called 'zzzz'"), (["--repeats", "0"], "greater than or equal to 1")):
        told = look("validate", "--archive", searched, *words)
        assert told.returncode in (1, 2)
        assert reason in told.stderr
    assert "holds no run" in look("validate", "--archive", tmp_path / "none").stderr
    assert not (searched / "validations").exists(), "no use without a comparison"


def test_a_damaged_record_stops_a_validation_and_not_a_look(searched: Path, tmp_path: Path) -> None:
    folder = copied(searched, tmp_path / "run")
    (folder / "validations").mkdir()
    (folder / "validations" / "uses.log").write_bytes(b"00000000 {}\n")
    rival = child(folder)
    told = look("validate", rival, "--archive", folder)
    assert (told.returncode, told.stdout) == (4, "")
    assert "damaged at line 1" in told.stderr
    assert look("best", "--archive", folder).returncode == 0


def test_it_fits_the_terminal(compared: tuple[Path, str, Report]) -> None:
    folder, rival, _ = compared
    said = on_terminal([sys.executable, "-m", "dgm", "validate", rival, "--archive", str(folder)], 60)
    assert "verdict " in said
    assert max(map(len, said.splitlines())) <= 60
