"""Grading SWE-bench instances in containers: what solves them, and what does not."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from dgm.benchmarks import SweBenchmark, open_benchmark
from dgm.benchmarks.instance import Story
from dgm.benchmarks.stories import LINEUP, SLUGS, STORIES, TILL
from dgm.files import File
from dgm.protocols import Grade, Limits, Patch, Sandbox, SandboxFault
from tests.benchmarks.own import gold, rows, texts, write, wrong

pytestmark = pytest.mark.docker
MONEY, QUEUE, SLUG = "src/till/money.py", "src/lineup/queue.py", "src/slugs/core.py"


def said(line: str, story: Story) -> bytes:
    """What a log looks like in which all required tests of `story` pass."""
    return "".join(line.format(case) for case in (*story.fails, *story.passes)).encode()


SAY = f"""
import os
for number in range(1, 30):
    try:
        os.write(number, {said("PASSED {}" + chr(10), TILL)!r})
    except OSError:
        pass
"""


def grade(own: SweBenchmark, sandbox: Sandbox, patch: Patch, id: str = "own/own__till-11") -> Grade:
    return own.grade(id, patch, sandbox, 1)


def beside(files: dict[str, str]) -> Patch:
    """The wrong solution of `TILL` and `files`."""
    return texts({**TILL.wrong, **files})


# ---------------------------------------------------------------- the plain cases


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.id)
def test_what_is_right_is_solved_and_nothing_else(own: SweBenchmark, sandbox: Sandbox, story: Story) -> None:
    id, proven = f"own/{story.id}", () if story is not LINEUP else ("unproven",)
    reference = own.reference(id)
    assert reference
    for patch in (reference, gold(story)):
        judged = grade(own, sandbox, patch, id)
        assert (judged.solved, judged.flags) == (True, proven), judged.report
        assert set(judged.tests) - {"(others)"} == {*story.fails, *story.passes}
        assert set(judged.tests.values()) <= {"PASSED", "1"}
        assert judged.image == sandbox.identity(story.image)
        assert judged.seconds > 0
        assert judged.versions == {"swebench": "5.0.2"}
    for patch in (Patch(), wrong(story)):
        judged = grade(own, sandbox, patch, id)
        assert (judged.solved, judged.flags) == (False, ()), judged.report
        assert "FAILED" in judged.tests.values()


def test_a_syntax_error(own: SweBenchmark, sandbox: Sandbox) -> None:
    judged = grade(own, sandbox, texts({MONEY: "def share(:\n"}))
    assert (judged.solved, judged.flags) == (False, ())


def test_an_endless_loop_is_unsolved_at_the_limit(own: SweBenchmark, sandbox: Sandbox) -> None:
    short = SweBenchmark.__new__(SweBenchmark)
    vars(short).update(vars(own), limits=Limits(seconds=5.0))
    judged = grade(short, sandbox, texts({MONEY: "while True:\n    pass\n"}))
    assert (judged.solved, judged.flags) == (False, ())
    assert "timeout" in judged.report


def test_a_missing_image_is_nobodys_wrong_patch(tmp_path: Path, sandbox: Sandbox) -> None:
    row = {**rows()[0], "image": "swebench/sweb.eval.x86_64.nobody_1776_nothing-1:latest"}
    absent = open_benchmark(str(write(tmp_path, [row])))
    with pytest.raises(SandboxFault, match="nobody_1776_nothing-1"):
        absent.grade("own/own__till-11", gold(TILL), sandbox, 1)


# ---------------------------------------------------------------- what a patch may not bring


PLUGIN = """
import pytest

@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    report.outcome = "passed"
    report.longrepr = None
"""
REPORTER = """
import _pytest.reports
old = _pytest.reports.TestReport.from_item_and_call.__func__
def lie(cls, item, call):
    report = old(cls, item, call)
    report.outcome, report.longrepr = "passed", None
    return report
_pytest.reports.TestReport.from_item_and_call = classmethod(lie)
"""
LATE_PLUGIN = f"""
import gc, types
from _pytest.config import Config
evil = types.ModuleType("evil")
exec({PLUGIN!r}, vars(evil))
for thing in gc.get_objects():
    if isinstance(thing, Config):
        thing.pluginmanager.register(evil)
        break
"""
CALLS = """
import _pytest.python
import _pytest.runner
_pytest.python.Function.runtest = lambda self: None
"""
AT_EXIT = f"""
import atexit, os
def leave():
    os.write(1, {said("PASSED {}" + chr(10), TILL)!r})
    os._exit(0)
atexit.register(leave)
"""
CHEATS: dict[str, tuple[dict[str, str], set[str]]] = {
    "tests": ({"tests/test_money.py": "def test_total():\n    pass\n"}, {"touched:tests/test_money.py"}),
    "conftest": ({"conftest.py": PLUGIN}, {"touched:conftest.py"}),
    "inner conftest": ({"tests/conftest.py": PLUGIN}, {"touched:tests/conftest.py"}),
    "pytest.ini": ({"pytest.ini": "[pytest]\naddopts = -k one_each\n"}, {"touched:pytest.ini"}),
    "addopts": (
        {"setup.cfg": "[tool:pytest]\naddopts = -p till.evil\n", "src/till/evil.py": PLUGIN},
        {"touched:setup.cfg"},
    ),
    "toml": ({"pyproject.toml": '[tool.pytest.ini_options]\naddopts = "--co"\n'}, {"touched:pyproject.toml"}),
    "dotted toml": ({"pyproject.toml": 'tool."pytest".ini_options.addopts = "--co"\n'}, {"touched:pyproject.toml"}),
    "shadow": ({"pytest.py": SAY + "raise SystemExit(0)\n"}, {"shadows:pytest.py"}),
    "shadowing package": ({"_pytest/__init__.py": SAY + "raise SystemExit(0)\n"}, {"shadows:_pytest/__init__.py"}),
    "sitecustomize": ({"src/sitecustomize.py": SAY}, {"touched:src/sitecustomize.py"}),
    "pth": ({"src/x.pth": "import os; os._exit(0)\n"}, {"touched:src/x.pth"}),
    "fake lines": ({MONEY: TILL.wrong[MONEY] + SAY}, set()),
    "leave": ({MONEY: SAY + "os._exit(0)\n"}, {"left-without-proof"}),
    "leave later": (
        {MONEY: TILL.wrong[MONEY] + AT_EXIT},
        {"contradicted:" + TILL.fails[0], f"contains:atexit:{MONEY}"},
    ),
    "reporter": ({MONEY: TILL.wrong[MONEY] + REPORTER}, {"altered:TestReport.from_item_and_call", "canary"}),
    "late plugin": ({MONEY: TILL.wrong[MONEY] + LATE_PLUGIN}, {"altered:plugin:evil"}),
    "no call": ({MONEY: TILL.wrong[MONEY] + CALLS}, {"altered:Function.runtest"}),
}


@pytest.mark.parametrize("name", CHEATS)
def test_cheating_does_not_pass(own: SweBenchmark, sandbox: Sandbox, name: str) -> None:
    files, flags = CHEATS[name]
    judged = grade(own, sandbox, beside(files))
    assert not judged.solved
    assert flags <= set(judged.flags), judged.report


# ---------------------------------------------------------------- what installing the project may do


@pytest.fixture
def installing(tmp_path: Path) -> SweBenchmark:
    """`TILL`, whose script installs the patched project before it runs the tests."""
    first = ": '>>>>> Start"
    script = rows()[0]["eval_script"].replace(first, f"python setup.py\n{first}")
    return SweBenchmark(write(tmp_path, [{**rows()[0], "eval_script": script}]))


SITE = "import os, _pytest.reports\nplace = _pytest.reports.__file__\n"
REWRITTEN = f"""{SITE}
times = os.stat(place)
with open(place, "a") as file:
    file.write({REPORTER.replace("_pytest.reports.", "").replace("import _pytest.reports", "")!r})
os.utime(place, ns=(times.st_atime_ns, times.st_mtime_ns))
"""
NEVER_BEGUN = f"""
import shutil
lines = {said("PASSED {}" + chr(10), TILL).decode()!r}.splitlines()
with open(shutil.which("pytest"), "w") as file:
    file.write("#!/bin/sh\\n" + "".join("echo '%s'\\n" % line for line in lines))
"""


def test_an_honest_installation_is_solved(installing: SweBenchmark, sandbox: Sandbox) -> None:
    judged = grade(installing, sandbox, texts({**TILL.gold, "setup.py": "print('installing', 1 + 1)\n"}))
    assert (judged.solved, judged.flags) == (True, ("runs-at-install:setup.py",)), judged.report


def test_what_installing_rewrites_shows_though_times_are_set_back(installing: SweBenchmark, sandbox: Sandbox) -> None:
    judged = grade(installing, sandbox, beside({"setup.py": REWRITTEN}))
    assert not judged.solved
    assert [flag for flag in judged.flags if flag.startswith("altered:/") and flag.endswith("/_pytest/reports.py")]


def test_tests_that_were_never_begun_prove_nothing(installing: SweBenchmark, sandbox: Sandbox) -> None:
    judged = grade(installing, sandbox, beside({"setup.py": NEVER_BEGUN}))
    assert not judged.solved
    assert "prevented-proof" in judged.flags, judged
    assert judged.tests[TILL.fails[0]] == "PASSED", "the official parser believes what was printed"


def test_an_early_exit_that_fakes_the_whole_log(own: SweBenchmark, sandbox: Sandbox) -> None:
    """The end of the script has its own exit code, so the official reading of the log is that all is well."""
    judged = grade(own, sandbox, texts({MONEY: "import os\n" + SAY + "os._exit(0)\n"}))
    assert not judged.solved
    assert "left-without-proof" in judged.flags
    assert judged.tests[TILL.fails[0]] == "PASSED", "the official parser believes what was printed"


def test_what_is_not_pytest_is_as_honest_as_its_output(own: SweBenchmark, sandbox: Sandbox) -> None:
    lines = "".join(f"{case} ... ok\n" for case in (*LINEUP.fails, *LINEUP.passes))
    judged = grade(
        own, sandbox, texts({QUEUE: f"import os\nos.write(1, {lines.encode()!r})\nos._exit(0)\n"}), "own/" + LINEUP.id
    )
    assert judged.solved, "nothing can be proven here"
    assert "unproven" in judged.flags
    assert f"contains:os._exit:{QUEUE}" in judged.flags


def test_deleted_tests_and_settings_stay(own: SweBenchmark, sandbox: Sandbox) -> None:
    gone = ("tests/test_money.py", "tests/conftest.py", "setup.cfg")
    judged = grade(own, sandbox, replace(gold(TILL), deleted=gone))
    assert judged.solved, judged.report
    assert set(judged.flags) == {f"touched:{path}" for path in gone}


def test_settings_that_do_not_steer_tests_enter(own: SweBenchmark, sandbox: Sandbox) -> None:
    config = "[metadata]\nname = till2\n\n[tool:pytest]\naddopts = --strict-markers\n"
    judged = grade(
        own, sandbox, replace(gold(TILL), changed={**gold(TILL).changed, "setup.cfg": File(config.encode())})
    )
    assert (judged.solved, judged.flags) == (True, ("runs-at-install:setup.cfg",)), judged.report


def test_files_that_git_ignores_do_not_enter(own: SweBenchmark, sandbox: Sandbox) -> None:
    fixed = TILL.gold[MONEY]
    ignored = {MONEY: "from till.fixed.generated import *\n", "src/till/money.generated.py": fixed}
    judged = grade(own, sandbox, texts(ignored))
    assert not judged.solved


def test_binary_files_do_not_enter(own: SweBenchmark, sandbox: Sandbox) -> None:
    judged = grade(own, sandbox, replace(gold(TILL), changed={**gold(TILL).changed, "src/till/x.so": File(b"\0\1")}))
    assert (judged.solved, judged.flags) == (True, ("binary:src/till/x.so",))


@pytest.mark.parametrize("path", ["../out", ".git/hooks/post-checkout", "src/till/money.py/under"])
def test_paths_that_do_not_fit(own: SweBenchmark, sandbox: Sandbox, path: str) -> None:
    judged = grade(own, sandbox, texts({path: "x\n"}))
    assert not judged.solved
    assert "patch cannot be graded" in judged.report or "do not fit the repository" in judged.report


def test_the_second_story_is_proven_too(own: SweBenchmark, sandbox: Sandbox) -> None:
    say = AT_EXIT.replace(repr(said("PASSED {}\n", TILL)), repr(said("PASSED {}\n", SLUGS)))
    judged = grade(own, sandbox, texts({SLUG: SLUGS.wrong[SLUG] + say}), "own/" + SLUGS.id)
    assert not judged.solved
    assert f"contradicted:{SLUGS.fails[0]}" in judged.flags
