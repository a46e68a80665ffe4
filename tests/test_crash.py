"""Killed at any call, or with the disk full: nothing on record is lost, nothing counts twice, and the run goes on."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import dgm
from dgm.archive import read_tree
from dgm.check import check
from dgm.events import AgentBorn, JobFailed, TaskScored
from dgm.log import LogReader
from tests import small_run

HERE = Path(dgm.__file__).parents[1]
HOME = os.environ | {"PYTHONPATH": str(HERE), "GIT_CONFIG_GLOBAL": os.devnull}
CALLS = ("write", "fsync", "rename", "mkdir", "unlink", "ftruncate", "pwrite64")


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    with small_run.memory(tmp_path) as folder:
        yield folder


def must_go_on(run: Path, said: list[str]) -> None:
    """Whatever was said to be on record is, and the run can be brought to its right end."""
    if (run / "events.log").exists():
        assert [finding for finding in check(run) if finding.level != "note"] == []
    small_run.drive(run, said.append)
    tree = read_tree(run)
    assert len(tree.agents) == small_run.AGENTS
    assert [dict(agent.results) for agent in tree.agents.values()] == [
        dict.fromkeys(small_run.TASKS, solved) for solved in (False, True, True)
    ]
    assert tree.failures["infra"] == 1
    events = list(LogReader(run / "events.log").events())
    ends = [event for event in events if isinstance(event, AgentBorn | TaskScored | JobFailed) and event.job]
    on_record = [f"{type(event).__name__} {event.job}" for event in ends]
    on_record += [f"seed {event.agent}" for event in events if isinstance(event, AgentBorn) and not event.job]
    assert len({event.job for event in ends}) == len(ends) == tree.next_job - 1
    assert set(said) <= set(on_record)
    assert {finding.text.partition("is in no event")[1] for finding in check(run)} <= {"is in no event"}


def broken(folder: Path, way: str, every: int) -> None:
    command = [sys.executable, "-m", "tests.broken_runs", str(folder), way, str(every)]
    ran = subprocess.run(command, cwd=HERE, env=HOME, capture_output=True, text=True)
    assert (ran.returncode, ran.stderr) == (0, "")
    said = sorted(folder.glob("*.said"))
    assert len(said) > 250 / every
    for path in said:
        must_go_on(path.with_suffix(""), path.read_text().splitlines())
    subprocess.run(["git", "fsck", "--strict"], cwd=said[-1].with_suffix("") / "agents.git", env=HOME, check=True)


@pytest.mark.parametrize("way", ["before", "after", "torn", "once", "on"])
def test_some_system_calls(folder: Path, way: str) -> None:
    broken(folder, way, 23)


@pytest.mark.slow
@pytest.mark.parametrize(("way", "every"), [("after", 1), ("torn", 6), ("once", 6), ("on", 10)])
def test_all_system_calls(folder: Path, way: str, every: int) -> None:
    broken(folder, way, every)


def traced(run: Path, fate: str, call: str, point: int) -> list[str] | None:
    """What the run said until the system did `fate` to its `call` number `point`; None if there was no such call."""
    command = ["strace", "-f", "-o", f"{run}.trace", "-e", f"trace={call}"]
    command += ["-e", f"inject={call}:{fate}:when={point}", sys.executable, "-m", "tests.small_run", str(run)]
    ran = subprocess.run(command, cwd=HERE, env=HOME, capture_output=True, text=True)
    trace = Path(f"{run}.trace").read_text()
    if "killed by SIGKILL" not in trace and "(INJECTED)" not in trace:
        return None
    assert ran.stderr == ""
    return [line for line in ran.stdout.splitlines() if not line.startswith("refused: ")]


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("strace"), reason="needs strace")
@pytest.mark.parametrize(
    ("fate", "call", "every"),
    [("signal=KILL", call, 9) for call in CALLS]
    + [
        ("error=ENOSPC", "fsync", 17),
        ("error=EIO", "fsync", 17),
        ("error=EIO", "rename", 9),
        ("error=ENOSPC", "mkdir", 9),
    ],
)
def test_the_system_itself_breaks_it(folder: Path, fate: str, call: str, every: int) -> None:
    point = 1
    while (said := traced(folder / str(point), fate, call, point)) is not None:
        must_go_on(folder / str(point), said)
        point += every
    assert point > 1
