"""`dgm prepare` as a process, and what a run makes of what it found."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from dgm.sandbox import own_id
from dgm.text import SGR
from tests.benchmarks.samples import RIGHT, commanded, shop
from tests.cli.archives import SECONDS, dgm, environ, on_terminal

LOCAL = "--set=sandbox.kind=local"


@pytest.fixture
def tasks(tmp_path: Path) -> Path:
    """A sound task, and one that is solved from the start."""
    folder = shop(tmp_path / "shop")
    (folder / "tasks/price").rename(folder / "tasks/good")
    shop(folder)
    (folder / "tasks/price/work/shop/price.py").write_text(RIGHT)
    return folder


def test_a_folder_of_tasks_is_checked_and_a_second_call_knows(tasks: Path) -> None:
    done = dgm("prepare", tasks, LOCAL)
    assert done.returncode == 0, done.stderr
    first, second, last = done.stdout.splitlines()
    assert first.split() == ["sound", "shop/good"]
    assert second.split()[:2] == ["floor", "shop/price"]
    assert last == "2 tasks: 1 sound, 1 quarantined, 0 not available, 0 left unprepared."
    assert f"Next: python -m dgm run --set run.benchmark={tasks} --set sandbox.kind=local\n" in done.stderr
    assert "Sandbox: local" in done.stderr
    again = dgm("prepare", tasks, LOCAL, "--json")
    told = json.loads(again.stdout)
    assert told["counts"] == {"sound": 1, "floor": 1}
    assert [(task["task"], task["state"], task["times"]) for task in told["tasks"]] == [
        ("shop/good", "sound", 2),
        ("shop/price", "floor", 2),
    ]


def test_only_the_tasks_that_are_named(tasks: Path) -> None:
    done = dgm("prepare", tasks, LOCAL, "--tasks", "price", "--times", "1")
    assert done.returncode == 5, "nothing of that is usable"
    assert "no task is usable" in done.stderr
    assert "1 task: 0 sound, 1 quarantined" in done.stdout
    limited = dgm("prepare", tasks, LOCAL, "--limit", "1")
    assert limited.returncode == 0
    assert "1 task: 1 sound" in limited.stdout
    assert f"Next: python -m dgm run --set run.benchmark={tasks}" in limited.stderr, "all is known by now"
    assert dgm("prepare", tasks, LOCAL, "--tasks", "none").returncode == 2


def test_after_a_part_it_says_that_a_run_needs_the_rest(tasks: Path) -> None:
    whole = f"python -m dgm prepare {tasks} --set sandbox.kind=local\n"
    for option in (("--tasks", "good"), ("--limit", "1")):
        done = dgm("prepare", tasks, LOCAL, *option)
        assert done.returncode == 0, done.stderr
        assert done.stderr.endswith(f"A run needs 1 more task: {whole}"), done.stderr
    shipped = dgm("prepare", "starter", LOCAL, "--limit", "1", "--times", "1")
    assert "Next: python -m dgm run --set run.benchmark=starter" in shipped.stderr


def test_it_checks_what_a_run_would_draw(tmp_path: Path, tasks: Path) -> None:
    config = tmp_path / "dgm.toml"
    config.write_text(f'[run]\nbenchmark = "{tasks}"\ntasks = 1\n[sandbox]\nkind = "local"\n')
    done = dgm("prepare", "--config", config, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "1 sound" in done.stdout, "another one is drawn for one that cannot be trusted"
    assert f"Next: python -m dgm run {config}\n" in done.stderr


def test_what_is_set_beside_a_benchmarks_name_is_about_that_benchmark(tmp_path: Path, tasks: Path) -> None:
    (tmp_path / "dgm.toml").write_text('[run]\ntasks = ["starter/slug"]\n[sandbox]\nkind = "local"\n')
    (tmp_path / "one.txt").write_text("good\n")
    done = dgm("prepare", tasks, "--set=run.subset=./one.txt", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("sound        shop/good\n1 task: 1 sound")
    wrong = dgm("prepare", "swebench", "--set=run.subset=none", cwd=tmp_path)
    assert wrong.returncode == 2
    assert wrong.stderr.startswith("dgm: run.subset: no subset 'none'"), "which is said before anything is fetched"


def test_on_a_terminal_each_task_is_told_once_and_lines_are_folded(tasks: Path) -> None:
    command = [sys.executable, "-m", "dgm", "prepare", str(tasks), LOCAL]
    said = on_terminal(command, 60)
    assert said.count("shop/price") == 1
    first, second = (line for line in said.splitlines() if line.startswith(("[1 of 2]", "[2 of 2]")))
    assert "floor" in first + second
    widths = [len(SGR.sub("", line)) for line in said.splitlines() if not line.startswith("Next:")]
    assert max(widths) <= 60


def test_a_run_says_how_to_prepare_what_it_would_use(tmp_path: Path, tasks: Path) -> None:
    config = tmp_path / "own.toml"
    config.write_text(f'[run]\nbenchmark = "{tasks}"\n[sandbox]\nkind = "local"\n')
    for option in ((), ("--dry-run",)):
        done = dgm("run", config, "--set", "grading.seconds=30", *option, "--archive", tmp_path / "run")
        assert done.returncode == 5
        told = f"To prepare: python -m dgm prepare --config {config} --set grading.seconds=30\n"
        assert done.stderr.endswith(told)
    assert dgm("prepare", "--config", config, "--set", "grading.seconds=30", "--tasks", "price").returncode == 5
    few = dgm("run", config, "--set", "grading.seconds=30", "--set", "run.tasks=2", "--archive", tmp_path / "run")
    assert few.returncode == 2
    assert "1 that `dgm prepare` found unfit, such as shop/price (floor: " in few.stderr


def test_tasks_whose_image_is_out_of_reach_are_left_unprepared(tmp_path: Path) -> None:
    folder = shop(tmp_path / "shop", 'image = "no/such:image"\n')
    done = dgm("prepare", folder, LOCAL)
    assert done.returncode == 5
    assert "unprepared" in done.stdout
    assert "start a Docker engine" in done.stdout


def test_an_interrupted_one_goes_on(tmp_path: Path) -> None:
    folder = commanded(tmp_path / "slow", f"test -e {tmp_path}/go || exec sleep 1000; grep -q 43 answer")
    command = [sys.executable, "-m", "dgm", "prepare", str(folder), LOCAL]
    process = subprocess.Popen(command, env=environ(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    assert "Sandbox" in process.stderr.readline()
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=SECONDS)
    assert process.returncode == 130
    assert not out
    assert "[0 of 1] ending slow/task" in err
    (tmp_path / "go").touch()
    assert dgm("prepare", folder, LOCAL).returncode == 0


def test_what_a_killed_one_has_left_is_removed_once_nobody_prepares(tmp_path: Path) -> None:
    go, begun, temporary = tmp_path / "go", tmp_path / "begun", tmp_path / "tmp"
    folder = commanded(
        tmp_path / "slow", f"test -e {go} || {{ echo 1 >> {begun}; exec sleep 1000; }}; grep -q 43 answer"
    )
    temporary.mkdir()

    def begin() -> tuple[subprocess.Popen[bytes], set[Path]]:
        begun.unlink(missing_ok=True)
        command = [sys.executable, "-m", "dgm", "prepare", str(folder), LOCAL]
        process = subprocess.Popen(command, env=environ(TMPDIR=str(temporary)), stderr=subprocess.DEVNULL)
        until = time.monotonic() + SECONDS
        while not begun.exists():
            assert time.monotonic() < until
            time.sleep(0.1)
        return process, set(temporary.glob("dgm-prepare*"))

    def end(process: subprocess.Popen[bytes]) -> None:
        process.kill()
        process.wait()

    killed, before = begin()
    end(killed)
    process, theirs = begin()
    assert not before & theirs
    go.touch()
    assert dgm("prepare", folder, LOCAL, TMPDIR=str(temporary)).returncode == 0
    assert set(temporary.glob("dgm-prepare*")) == theirs, "another one needs it"
    end(process)
    assert dgm("prepare", folder, LOCAL, TMPDIR=str(temporary)).returncode == 0
    assert not set(temporary.glob("dgm-prepare*"))


def test_a_missing_engine_is_an_unfit_machine(tasks: Path) -> None:
    done = dgm("prepare", tasks, "--set=sandbox.kind=docker")
    assert done.returncode == 5
    assert "Traceback" not in done.stderr


def test_a_cache_that_cannot_be_written_is_an_error_that_names_it(tmp_path: Path, tasks: Path) -> None:
    (tmp_path / "file").touch()
    done = dgm("prepare", tasks, LOCAL, DGM_CACHE=os.fspath(tmp_path / "file"))
    assert done.returncode == 1
    assert str(tmp_path / "file") in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.docker
def test_images_are_fetched_checked_removed_and_fetched_again(tmp_path: Path) -> None:
    """The whole way with a real registry: prepare, a run that needs an image again, and one that has been replaced."""
    from dgm.sandbox.engine import address
    from tests.sandbox.registry import BASE, remove, running

    with running() as registry:
        name, lost = registry.push("own:1", b"first"), f"{registry.address}/lost:1"
        folder = shop(tmp_path / "shop", f'image = "{name}"\n')
        (folder / "tasks/price").rename(folder / "tasks/good")
        shop(folder, f'image = "{name}"\n')
        (folder / "tasks/price/task.toml").write_text(f'image = "{lost}"\n')
        settings = ["--set=sandbox.kind=docker", f"--set=sandbox.image={BASE}", f"--set=run.benchmark={folder}"]
        few = ["--set=run.evaluations=1", "--set=policy.seed_evaluations=1", "--set=policy.warm_start=0"]
        host = address()

        unready = dgm("run", *settings, *few, cwd=tmp_path, DOCKER_HOST=host)
        assert unready.returncode == 5
        assert "were never checked on this machine" in unready.stderr
        assert not registry.names(), "nothing is pulled that nobody has asked for"

        done = dgm("prepare", *settings, cwd=tmp_path, DOCKER_HOST=host)
        assert done.returncode == 0, done.stderr
        assert "1 sound, 0 quarantined, 1 not available, 0 left unprepared" in done.stdout
        assert f"image {name}: pulling it" in done.stderr

        remove(registry.engine, name)
        plan = json.loads(dgm("run", *settings, *few, "--dry-run", "--json", cwd=tmp_path, DOCKER_HOST=host).stdout)
        assert (plan["tasks"], plan["images_missing"], plan["unprepared"], plan["unfit"]) == (1, [], 0, "")
        assert list(plan["quarantined"]) == ["shop/price"]
        ran = dgm("run", *settings, *few, cwd=tmp_path, DOCKER_HOST=host)
        assert ran.returncode == 0, ran.stderr
        assert registry.names() == ["own:1"]
        assert "shop/price: not available: " in dgm("status", cwd=tmp_path).stdout

        registry.engine.tag(BASE, *name.rsplit(":", 1))
        more = [*settings, *few, "--set=run.evaluations=2", "--amend=run.evaluations"]
        refused = dgm("run", *more, cwd=tmp_path, DOCKER_HOST=host)
        assert refused.returncode == 2
        assert f"{name} was sha256:" in refused.stderr
        unready = dgm("run", *more, "--amend=images", cwd=tmp_path, DOCKER_HOST=host)
        assert unready.returncode == 5
        assert "were never checked on this machine" in unready.stderr
        assert dgm("prepare", *settings, cwd=tmp_path, DOCKER_HOST=host).returncode == 0
        assert dgm("run", *more, "--amend=images", cwd=tmp_path, DOCKER_HOST=host).returncode == 0

        doctor = ("doctor", *settings[:1], f"--set=sandbox.image={lost}")
        told = dgm(*doctor, cwd=tmp_path, DOCKER_HOST=host)
        assert told.returncode == 5
        assert "room for images" in told.stdout
        assert "`dgm prepare` gets it" in told.stdout


@pytest.mark.docker
def test_an_interrupt_ends_a_pull(tmp_path: Path) -> None:
    from dgm.sandbox.engine import address
    from tests.sandbox.registry import BASE

    with socket.create_server(("127.0.0.1", 0)) as silent:
        folder = shop(tmp_path / "shop", f'image = "127.0.0.1:{silent.getsockname()[1]}/a:1"\n')
        command = [sys.executable, "-m", "dgm", "prepare", str(folder), f"--set=sandbox.image={BASE}"]
        process = subprocess.Popen(command, env=environ(DOCKER_HOST=address()), stderr=subprocess.PIPE, text=True)
        assert process.stderr is not None
        while "pulling it" not in (line := process.stderr.readline()):
            assert line, "it ended by itself"
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=SECONDS)
        assert process.returncode == 130


@pytest.mark.docker
def test_what_a_killed_doctor_has_left_is_removed_by_the_next(tmp_path: Path) -> None:
    from dgm.sandbox.engine import address, connect
    from tests.sandbox.registry import BASE

    engine = connect()
    try:
        labels = {"dgm.run": own_id("doctor"), "dgm.driver": "another"}
        left = engine.create_container(BASE, "true", labels=labels)["Id"]
        settings = (f"--set=sandbox.image={BASE}", "--set=sandbox.kind=docker")
        done = dgm("doctor", *settings, cwd=tmp_path, DOCKER_HOST=address())
        assert "one errand ran" in done.stdout
        assert not engine.containers(all=True, filters={"id": left})
    finally:
        engine.close()
