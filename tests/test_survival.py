"""The whole product, killed without warning: `dgm run` with real sandboxes, and what it leaves behind."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from random import Random

import pytest

from dgm.archive import read_tree

EVALUATIONS = 30
SETTINGS = [f"run.evaluations={EVALUATIONS}", "run.slots=3", "policy.seed_evaluations=6", "policy.warm_start=2"]


def dgm(*words: str, **environ: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "dgm", *words]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(command, text=True, env={**os.environ, **environ}, **pipes)


def run(folder: Path, kind: str) -> "subprocess.Popen[str]":
    image = ["sandbox.image=dgm-test-base:latest"] if kind == "docker" else []
    chosen = [f"sandbox.kind={kind}", *image, *SETTINGS]
    words = [word for one in chosen for word in ("--set", one)]
    return dgm("run", "--archive", str(folder), *words, TMPDIR=str(folder.parent))


def started_here(folder: Path) -> list[str]:
    """Processes that work for the run in `folder`: those whose home is in the temporary folder of its drivers."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            environ = (entry / "environ").read_bytes()
            command = (entry / "cmdline").read_bytes()
        except OSError:
            continue
        if f"HOME={folder.parent}/".encode() in environ:
            found.append(f"{entry.name}: {command!r}")
    return found


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("kind", ["local", pytest.param("docker", marks=pytest.mark.docker)])
def test_a_run_that_is_killed_again_and_again_ends_with_exact_counts(tmp_path: Path, kind: str) -> None:
    folder = tmp_path / "run"
    rng = Random(3)
    for _ in range(6):
        driver = run(folder, kind)
        time.sleep(rng.uniform(1.0, 5.0))
        driver.kill()
        driver.communicate()
        if kind == "local":
            until = time.monotonic() + 10
            while (left := started_here(folder)) and time.monotonic() < until:
                time.sleep(0.1)
            assert not left, "an agent outlived its driver"
        if (folder / "events.log").exists():
            checked = dgm("check", "--archive", str(folder), "--json")
            report, errors = checked.communicate()
            assert checked.returncode == 0, report + errors
    driver = run(folder, kind)
    _, errors = driver.communicate(timeout=400)
    assert driver.returncode == 0, errors
    tree = read_tree(folder)
    assert tree.evaluations == EVALUATIONS
    assert not tree.running
    if kind == "docker":
        import docker

        client = docker.from_env()
        try:
            assert not client.containers.list(all=True, filters={"label": f"dgm.run={run_id(folder)}"})
        finally:
            client.close()
    again = run(folder, kind)
    _, errors = again.communicate(timeout=100)
    assert again.returncode == 0, errors
    assert read_tree(folder).evaluations == EVALUATIONS, "a finished run asks for nothing more"


def run_id(folder: Path) -> str:
    from dgm.archive import Archive
    from dgm.run import run_id

    with Archive(folder) as archive:
        return run_id(archive, archive.tree.began)


@pytest.mark.slow
def test_two_drivers_cannot_write_one_archive(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    first = run(folder, "local")
    until = time.monotonic() + 20
    while not (folder / "events.log").exists() and time.monotonic() < until:
        time.sleep(0.1)
    time.sleep(1)
    second = run(folder, "local")
    _, errors = second.communicate(timeout=60)
    assert second.returncode == 1
    assert "is being written by" in errors
    status = dgm("status", "--archive", str(folder), "--json")
    assert json.loads(status.communicate()[0]), "but it can be read"
    first.kill()
    first.communicate()
