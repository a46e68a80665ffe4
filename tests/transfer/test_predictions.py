"""Patches as SWE-bench takes them: git makes of the task's files what the agent left."""

import json
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dgm.benchmarks.stories import STORIES
from dgm.files import File, Files, read_folder, write_folder
from dgm.protocols import Limits, Patch, Task
from dgm.transfer import predictions
from dgm.transfer.predictions import Prediction, diff_of, lines, originals
from tests.benchmarks.own import IMAGE, gold, rows, write, wrong

TEXT = st.text(st.sampled_from("ab \n\r\t\x0c\x1dü-+@\\"), max_size=30)
FILES = st.dictionaries(
    st.sampled_from(["a.py", "b c.txt", 'd/"q".md', "d/é", "--- x"]),
    st.builds(lambda text, executable: File(text.encode(), executable), TEXT, st.booleans()),
    min_size=1,
)


def applied(before: Files, diff: str, folder: Path) -> Files:
    write_folder(before, folder)
    git = ("git", "-c", "core.autocrlf=false", "-c", "core.fileMode=true", "apply", "--whitespace=nowarn", "-")
    done = subprocess.run(git, cwd=folder, input=diff.encode(), capture_output=True)
    assert (done.returncode, done.stderr) == (0, b"")
    return read_folder(folder)


@given(FILES, FILES)
def test_git_makes_of_one_tree_the_other(tmp_path_factory: pytest.TempPathFactory, before: Files, after: Files) -> None:
    patch = Patch(after, tuple(before.keys() - after.keys()))
    diff, binary = diff_of(patch, before)
    assert not binary
    if diff:
        assert applied(before, diff, tmp_path_factory.mktemp("repository")) == after
    else:
        assert before == after


def test_what_differs_too_much_to_be_aligned_is_replaced(tmp_path: Path) -> None:
    before, after = ({"a": File(b"same\n" + b"".join(b"%d\n" % (n * n % p) for n in range(3000)))} for p in (89, 97))
    diff, _ = diff_of(Patch(after, ()), before)
    assert diff.count("\n+") > 2900
    assert applied(before, diff, tmp_path / "x") == after


def test_what_is_no_text_is_left_out_and_named() -> None:
    patch = Patch({"a.bin": File(b"\0"), "latin": File(b"\xe9"), "new": File(b"x\n")}, ("old.bin",))
    diff, binary = diff_of(patch, {"old.bin": File(b"\xff\xfe")})
    assert binary == ("a.bin", "latin", "old.bin")
    assert diff == "diff --git a/new b/new\nnew file mode 100644\n--- /dev/null\n+++ b/new\n@@ -0,0 +1 @@\n+x\n"


def test_each_line_is_what_swe_bench_reads() -> None:
    found = {"own/b__b-2": Patch(), "own/a__a-1": Patch({"new": File("ü\n".encode())})}
    made = predictions.predictions(found, "dgm-x", {})
    told = [json.loads(line) for line in lines(made).splitlines()]
    assert [sorted(one) for one in told] == [["instance_id", "model_name_or_path", "model_patch"]] * 2
    assert [one["instance_id"] for one in told] == ["a__a-1", "b__b-2"]
    assert made.predictions[1] == Prediction("b__b-2", "dgm-x", "")
    assert "+ü" in told[0]["model_patch"]


@pytest.mark.docker
def test_the_files_of_an_image_are_read_in_it() -> None:
    from dgm.config import SandboxConfig
    from dgm.sandbox import open_sandbox

    sandbox = open_sandbox(SandboxConfig(kind="docker", image=IMAGE), "test", True)
    try:
        task = Task("own/x", "", image=IMAGE, workspace="/etc")
        found = originals(task, ["passwd", "none", "a/b"], sandbox, Limits())
    finally:
        sandbox.close()
    assert found.keys() == {"passwd"}
    assert found["passwd"].data.startswith(b"root:")


def test_the_files_of_a_task_that_brings_them_are_at_hand() -> None:
    task = Task("own/x", "", files={"a": File(b"1"), "b": File(b"2")})
    assert originals(task, ["a", "c"], None, Limits()) == {"a": File(b"1")}  # type: ignore[arg-type]


@pytest.mark.docker
@pytest.mark.slow
def test_a_patch_in_this_form_is_graded_as_the_attempt_was(tmp_path: Path) -> None:
    from dgm.benchmarks.swebench import SweBenchmark
    from dgm.config import SandboxConfig
    from dgm.sandbox import open_sandbox

    benchmark = SweBenchmark(write(tmp_path / "own", rows()[:1]))
    (id,) = benchmark.tasks()
    sandbox = open_sandbox(SandboxConfig(kind="docker", image=IMAGE), "test", True)
    try:
        for attempt, solved in ((gold(STORIES[0]), True), (wrong(STORIES[0]), False)):
            before = originals(benchmark.task(id), attempt.changed, sandbox, Limits())
            diff, binary = diff_of(attempt, before)
            assert not binary
            assert benchmark.grade(id, Patch(diff=diff), sandbox, 0).solved == solved
    finally:
        sandbox.close()
