"""The whole product on a disk that fills up under it: `dgm run`, with what it writes on a small tmpfs."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from dgm.archive import NoArchive, Reader
from dgm.evaluate import Attempt
from dgm.events import JobFailed, JobStarted
from dgm.files import File
from dgm.jobs import Evaluate
from dgm.log import LogReader
from dgm.protocols import Errand, SandboxFault
from dgm.sandbox.local import LocalSandbox
from dgm.store import load
from tests.conftest import CI

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

EVALUATIONS = 24
IMAGE = "dgm-test-base:latest"
ALL = 30
"""The starter benchmark's tasks."""
SETTINGS = ["run.slots=3", f"run.evaluations={EVALUATIONS}", "policy.seed_evaluations=10", "policy.warm_start=3"]


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk with room for a run."""
    folder = tmp_path / "disk"
    folder.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=130m", "tmpfs", folder], capture_output=True, text=True)
    if made.returncode:
        assert not CI, f"CI has to be able to mount a tmpfs: {made.stderr}"
        pytest.skip(f"no tmpfs can be mounted, which needs root: {made.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


def enlarge(disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,size=400m", disk], check=True)


def fill(disk: Path, left: int) -> None:
    """Leave `left` bytes, a few kilobytes more or less, for others, who may be writing.

    In steps: one that fails gives back what it took, so that the disk would have been full for a moment only.
    """
    with (disk / "ballast").open("ab") as file:
        while (more := shutil.disk_usage(disk).free - left) > 0:
            with suppress(OSError):
                os.posix_fallocate(file.fileno(), os.fstat(file.fileno()).st_size, min(more, 1 << 20))


def run(archive: Path, kind: str, temporary: Path, *settings: str) -> "subprocess.Popen[str]":
    words = [f"--set={one}" for one in (f"sandbox.kind={kind}", f"sandbox.image={IMAGE}", *settings)]
    command = [sys.executable, "-m", "dgm", "run", os.devnull, "--archive", str(archive), *words]
    environ = {**os.environ, "TMPDIR": str(temporary)}
    return subprocess.Popen(command, text=True, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


@pytest.fixture(scope="module")
def seed_scores(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bool]:
    """How the seed does on each task where no disk is full: the scripted model always answers alike."""
    folder = tmp_path_factory.mktemp("reference")
    more = [f"run.evaluations={ALL}", f"policy.seed_evaluations={ALL}", "policy.warm_start=0"]
    driver = run(folder / "run", "local", folder, *more)
    _, said = driver.communicate(timeout=100)
    assert driver.returncode == 0, said
    return dict(Reader(folder / "run").tree.seeds[0].results)


def begun(archive: Path) -> int:
    """Jobs that were begun so far."""
    try:
        return Reader(archive).tree.next_job - 1
    except NoArchive:
        return -1


def fill_amid(driver: "subprocess.Popen[str]", archive: Path, disk: Path, jobs: int, left: int) -> tuple[int, str]:
    """Fill the disk once `jobs` jobs have begun. The driver's exit code, and what it said."""
    while driver.poll() is None and begun(archive) < jobs:
        time.sleep(0.01)
    fill(disk, left)
    _, said = driver.communicate(timeout=100)
    return driver.returncode, said


def must_be_clean(archive: Path) -> None:
    command = [sys.executable, "-m", "dgm", "check", "--archive", str(archive)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def must_be_exact(archive: Path, seed_scores: dict[str, bool]) -> None:
    """All counts are right, no outcome is one that the disk made, and nothing that was kept was made twice."""
    must_be_clean(archive)
    reader = Reader(archive)
    tree = reader.tree
    assert tree.evaluations == EVALUATIONS == sum(len(agent.results) for agent in tree.agents.values())
    assert not tree.running
    assert {task: seed_scores[task] for task in tree.seeds[0].results} == dict(tree.seeds[0].results)
    events = list(LogReader(archive / "events.log").events())
    attempts = set()
    for event in events:
        if isinstance(event, JobStarted) and isinstance(event.job, Evaluate):
            attempt = load(reader.folder(event.id) / "attempt.json", Attempt)
            if attempt is not None and attempt.job == event.id:
                assert (event.job.agent, event.job.task) not in attempts
                attempts.add((event.job.agent, event.job.task))
    for event in events:
        if isinstance(event, JobFailed):
            assert event.cause in ("interrupted", "stillborn"), event.reason
            if event.cause == "interrupted":
                assert not (reader.folder(event.job) / "draft.json").exists(), "a draft that was kept was thrown away"
            else:
                assert "No space" not in event.reason


def test_an_errand_on_a_full_disk_is_no_verdict(disk: Path) -> None:
    sandbox = LocalSandbox("full", folder=disk)
    gate = disk / "gate"
    script = f"touch {gate}; while [ -e {gate} ]; do sleep 0.05; done; head -c 500000 /dev/zero > work/out; :"

    def errand() -> Errand:
        files = {"work/in": File(b"x")}
        return Errand(1, ("/bin/sh", "-c", script), files, take=("work",))

    with ThreadPoolExecutor() as pool:
        for left in (0, 10_000_000):
            running = pool.submit(sandbox.run, errand())
            while not gate.exists():
                time.sleep(0.01)
            fill(disk, left)
            gate.unlink()
            if left:
                assert len(running.result().changed["work/out"].data) == 500_000
            else:
                with pytest.raises(SandboxFault, match="make room"):
                    running.result()
            (disk / "ballast").unlink()


AMID = [(1, 0), (4, 30_000), (12, 200_000), (14, 60_000), (16, 10_000), (22, 30_000)]


@pytest.mark.parametrize(
    ("kind", "jobs", "left"),
    [*(("local", *amid) for amid in AMID), pytest.param("docker", 13, 20_000, marks=pytest.mark.docker)],
)
def test_the_disk_of_the_archive(
    disk: Path, tmp_path: Path, seed_scores: dict[str, bool], kind: str, jobs: int, left: int
) -> None:
    archive = disk / "run"
    code, said = fill_amid(run(archive, kind, tmp_path, *SETTINGS), archive, disk, jobs, left)
    assert code == 1, said
    goes_on_with_more_room(archive, disk, kind, tmp_path, said, seed_scores)


@pytest.mark.parametrize("size", [0, 4_096, 20_000, 60_000, 90_000_000])
def test_a_disk_that_is_too_small_from_the_start(
    disk: Path, tmp_path: Path, seed_scores: dict[str, bool], size: int
) -> None:
    archive = disk / "run"
    fill(disk, size)
    driver = run(archive, "local", tmp_path, *SETTINGS)
    _, said = driver.communicate(timeout=100)
    assert driver.returncode == 1, said
    goes_on_with_more_room(archive, disk, "local", tmp_path, said, seed_scores)


@pytest.mark.parametrize(
    ("kind", "jobs", "left"),
    [
        ("local", 3, 40_000),
        ("local", 14, 0),
        ("local", 20, 1_000_000),
        pytest.param("docker", 13, 20_000, marks=pytest.mark.docker),
    ],
)
def test_the_disk_of_all_that_is_written(
    disk: Path, seed_scores: dict[str, bool], kind: str, jobs: int, left: int
) -> None:
    archive, temporary = disk / "run", disk / "tmp"
    temporary.mkdir()
    code, said = fill_amid(run(archive, kind, temporary, *SETTINGS), archive, disk, jobs, left)
    assert code == 1, said
    goes_on_with_more_room(archive, disk, kind, temporary, said, seed_scores)


@pytest.mark.parametrize(("jobs", "left"), [(3, 0), (14, 40_000), (20, 1_000_000)])
def test_the_disk_of_temporary_files(
    disk: Path, tmp_path: Path, seed_scores: dict[str, bool], jobs: int, left: int
) -> None:
    archive = tmp_path / "run"
    code, said = fill_amid(run(archive, "local", disk, *SETTINGS), archive, disk, jobs, left)
    assert code == 1, said
    goes_on_with_more_room(archive, disk, "local", disk, said, seed_scores)


def goes_on_with_more_room(
    archive: Path, disk: Path, kind: str, temporary: Path, said: str, seed_scores: dict[str, bool]
) -> None:
    assert "Traceback" not in said
    told = [line for line in said.splitlines() if line.startswith(("dgm: ", "Stopped: "))]
    assert len(told) == 1, said
    assert "make room" in told[0], said
    assert "same command" in told[0], said
    if (archive / "events.log").exists():
        must_be_clean(archive)
    enlarge(disk)
    driver = run(archive, kind, temporary, *SETTINGS)
    _, said = driver.communicate(timeout=200)
    assert driver.returncode == 0, said
    must_be_exact(archive, seed_scores)
