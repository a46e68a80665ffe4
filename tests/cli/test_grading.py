"""A verdict as `log --grade` shows it: all that it rests on, and nothing of it in force on the terminal."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from dgm.archive import Archive
from dgm.attempt import Attempt
from dgm.benchmarks import open_benchmark
from dgm.events import RunConfigured
from dgm.files import File, pack
from dgm.jobs import Evaluate, Verdict
from dgm.protocols import Grade
from dgm.settings import load, resolved
from dgm.store import save
from tests.benchmarks.samples import RIGHT, shop
from tests.cli.archives import TASKS, look
from tests.shells import shell


@pytest.fixture
def graded(tmp_path: Path) -> Path:
    with Archive(tmp_path / "run") as archive:
        archive.configure(RunConfigured(1.0, "0", {}, TASKS, "toy"))
        seed = archive.seed(shell("true"))
        job = archive.start(Evaluate(seed, TASKS[0])).id
        first = Grade(False, "no \x1b[2J", tests={"test_a": "FAILED"}, image="sha256:one", seconds=2.0)
        last = Grade(
            True, "fine", ("odd",), {"test_a": "PASSED", "test_\x1b[b": "PASSED"}, "sha256:two", 3.0, {"x": "1"}
        )
        one = Attempt(pack({"a.txt": File(b"1\n")}), (), "timeout", None, (), 9.0, job=job, grade=first)
        changed = pack({"a.txt": File(b"2\x1b[2J\n", True), "b.bin": File(b"\xff\x00")})
        two = Attempt(changed, ("old.txt",), "exited", 0, (), 8.0, job=job, before=one)
        save(archive.folder(job) / "attempt.json", two)
        save(archive.folder(job) / "grade.json", last)
        archive.finish(job, Verdict(True, flags=("try 2 of 2", "odd")))
        archive.start(Evaluate(seed, TASKS[1]))
    return tmp_path / "run"


def test_a_verdict_is_shown_with_what_it_rests_on(graded: Path) -> None:
    said = look("log", "seed", "--grade", 1, "--archive", graded)
    assert said.returncode == 0
    assert "\x1b" not in said.stdout
    for words in (
        *("toy/0", "outcome   solved", "flag      odd", "FAILED       test_a", "PASSED       test_a", "no \\x1b[2J"),
        *("sha256:one", "sha256:two", "x 1", "timeout", "exited with 0", "--- a.txt", "2\\x1b[2J", "old.txt: deleted"),
    ):
        assert words in said.stdout, words


def test_a_verdict_as_json(graded: Path) -> None:
    found: Any = msgspec.json.decode(look("log", "seed", "--grade", 1, "--json", "--archive", graded).stdout)
    assert (found["task"], found["outcome"], found["flags"]) == ("toy/0", "solved", ["try 2 of 2", "odd"])
    first, last = found["tries"]
    assert (first["ended"], first["grade"]["solved"], first["changed"]) == ("timeout", False, {"a.txt": "1\n"})
    assert (last["grade"]["image"], last["grade"]["tests"]["test_a"]) == ("sha256:two", "PASSED")
    assert (last["deleted"], last["executable"]) == (["old.txt"], ["a.txt"])
    assert last["changed"]["b.bin"] == "\\xff\x00"


def test_a_patch_is_a_diff_where_it_is_known_from_what(tmp_path: Path) -> None:
    folder = shop(tmp_path / "shop")
    settings = resolved(load(None, {}, [f"run.benchmark={folder}"]))
    with Archive(tmp_path / "run") as archive:
        version = open_benchmark(str(folder)).version
        archive.configure(RunConfigured(1.0, "0", settings, ("shop/price",), version))
        job = archive.start(Evaluate(archive.seed(shell("true")), "shop/price")).id
        changed = pack({"shop/price.py": File(RIGHT.encode() + b"# \x1b[2J\n")})
        save(archive.folder(job) / "attempt.json", Attempt(changed, ("tests/__init__.py",), "exited", 0, (), 8.0))
        archive.finish(job, Verdict(True))
    said = look("log", "seed", "--grade", job, "--archive", tmp_path / "run").stdout
    for words in (
        "--- a/shop/price.py",
        "-    return prices[0]",
        "+    return sum(prices)",
        "+# \\x1b[2J",
        "removed: tests",
    ):
        assert words in said, words
    assert "  -def total" not in said
    (folder / "tasks/price/work/shop/price.py").write_text("changed = 1\n")
    said = look("log", "seed", "--grade", job, "--archive", tmp_path / "run").stdout
    assert "--- shop/price.py\n  def total" in said, "the task is another one by now"


@pytest.mark.parametrize(("job", "message"), [(2, "nothing was graded"), (7, "is no evaluation")])
def test_what_has_no_verdict_says_so(graded: Path, job: int, message: str) -> None:
    said = look("log", "seed", "--grade", job, "--archive", graded)
    assert said.returncode == 1
    assert message in said.stderr
