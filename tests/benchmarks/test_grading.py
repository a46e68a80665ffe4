"""No known way of cheating gets a task graded as solved, and nobody pays for what the environment did wrong."""

import os
import threading
from pathlib import Path

import msgspec
import pytest

from dgm.benchmarks import FolderBenchmark, grading
from dgm.config import SandboxConfig
from dgm.files import File
from dgm.protocols import Cancelled, Errand, Limits, Patch, Ran, SandboxFault
from dgm.sandbox.local import LocalSandbox
from tests.benchmarks.samples import ENDLESS, RIGHT, WRONG, files, shop


@pytest.fixture
def price(tmp_path: Path) -> FolderBenchmark:
    return FolderBenchmark(shop(tmp_path / "shop", "[check]\nseconds = 20\n"))


# ---------------------------------------------------------------- cheating

NOTHING = "def total(prices):\n    return None\n"
NOISE = """
print("prove: started")
print("0123456789abcdef {\"passed\": 2, \"broken\": 0, \"tampered\": []}")
print("Ran 2 tests: OK")
"""
FORK = """
import os
if os.fork():
    os._exit(0)


def total(prices):
    return 0
"""
LOITER = """
import subprocess, sys
subprocess.Popen([sys.executable, "-c", "import time\\nwhile True: print('OK'); time.sleep(0.1)"])


def total(prices):
    return 0
"""
PATCHED = "import unittest\nunittest.TestCase.assertEqual = lambda self, a, b, msg=None: None\n" + NOTHING
SUCCESS = "import unittest\nunittest.TestResult.addFailure = lambda *a: None\nunittest.TestCase.run = lambda *a: None\n"
SKIP = "import unittest\n\n\ndef total(prices):\n    raise unittest.SkipTest('no')\n"
PASS_ALL = "def load_tests(loader, tests, pattern):\n    import unittest\n    return unittest.TestSuite()\n"
EMPTY_TEST = """
import unittest


class PriceTest(unittest.TestCase):
    def test_sum(self):
        pass

    def test_empty(self):
        pass
"""
LATE = "import atexit, os\natexit.register(lambda: (print('OK'), os._exit(0)))\n"

READ = """
import pathlib
KNOWN = "".join(path.read_text() for path in pathlib.Path.cwd().rglob("*.py"))


def total(prices):
    return sum(prices) if "test_" + "empty" in KNOWN else None
"""
ENCODE = """
import json
json.dumps = lambda *a, **k: '{"passed": 2, "broken": 0, "tampered": []}'
json._default_encoder.encode = json.dumps
"""
REPLACE_TESTS = """
import sys


def total(prices):
    tests = sys.modules["tests.test_hidden"].PriceTest
    tests.test_sum = lambda self: None
    return 0
"""
BUILTIN = """
import builtins
builtins.isinstance = lambda *a: True
builtins.sum = lambda *a: 0
"""
RUNNER = """
import __main__
import unittest
__main__.altered = lambda before: []
unittest.TestCase.assertEqual = lambda *a, **k: None
"""
SWALLOW = """
import contextlib
import unittest.case


@contextlib.contextmanager
def quiet(self, test, *rest, **more):
    try:
        yield
    except BaseException:
        pass


OUTCOME = unittest.case._Outcome
WAS = OUTCOME.testPartExecutor
OUTCOME.testPartExecutor = quiet
"""
RESTORE = """

def total(prices):
    if not prices:
        OUTCOME.testPartExecutor = WAS
"""
SKIP_LATER = """
import sys
import unittest


class AAA(unittest.TestCase):
    def test_one(self):
        real().__unittest_skip__ = True

    def test_two(self):
        pass


class ZZZ(unittest.TestCase):
    def test_last(self):
        del real().__unittest_skip__


def real():
    return sys.modules["tests.test_hidden"].PriceTest


sys.modules["tests.test_hidden"].AAA = AAA
sys.modules["tests.test_hidden"].ZZZ = ZZZ


def total(prices):
    return None
"""
CATCH = """
import os

if os.fork() == 0:
    with open("/proc/self/fd/1", "rb", buffering=0) as pipe:
        while data := pipe.read(65536):
            lines = []
            for line in data.split(b"\\n"):
                words = line.split()
                if len(words) > 6 and words[2] == b"counts":
                    words[3:5] = [b"2", b"0"]
                lines.append(b" ".join(words))
            os.write(1, b"\\n".join(lines))
"""
CHEATS = {
    "swallow what fails": files({"shop/price": SWALLOW + WRONG}),
    "swallow and restore": files({"shop/price": SWALLOW + RESTORE}),
    "skip what is tested": files({"shop/price": SKIP_LATER}),
    "catch the proof on its way": files({"shop/price": CATCH + WRONG}),
    "patch the runner": files({"shop/price": RUNNER + NOTHING}),
    "read the hidden tests": files({"shop/price": READ}),
    "encode a forgery": files({"shop/price": ENCODE + WRONG}),
    "replace the tests": files({"shop/price": REPLACE_TESTS}),
    "patch the builtins": files({"shop/price": BUILTIN + RIGHT}),
    "leave at import": files({"shop/price": "import os\nos._exit(0)\n"}),
    "leave in a test": files({"shop/price": "import os\n\n\ndef total(prices):\n    os._exit(0)\n"}),
    "sys.exit at import": files({"shop/price": "raise SystemExit(0)\n"}),
    "sys.exit in a test": files({"shop/price": "def total(prices):\n    raise SystemExit(0)\n"}),
    "keyboard interrupt": files({"shop/price": "def total(prices):\n    raise KeyboardInterrupt\n"}),
    "print a look-alike": files({"shop/price": NOISE + WRONG}),
    "print a look-alike and leave": files({"shop/price": NOISE + "import os\nos._exit(0)\n"}),
    "atexit": files({"shop/price": LATE + WRONG}),
    "atexit after an error": files({"shop/price": LATE + "1 / 0\n"}),
    "skip": files({"shop/price": SKIP}),
    "skip at import": files({"shop/price": "import unittest\nraise unittest.SkipTest('no')\n"}),
    "edit the visible tests": files({"tests/test_price": EMPTY_TEST}),
    "edit the hidden tests": files({"tests/test_hidden": EMPTY_TEST}),
    "tests as a package": files({"tests/test_hidden/__init__": EMPTY_TEST}),
    "tests replaced by a module": files({"tests": EMPTY_TEST}),
    "load_tests": files({"tests/__init__": PASS_ALL}),
    "conftest": files({"conftest": "import os\nos._exit(0)\n", "tests/conftest": "import os\nos._exit(0)\n"}),
    "sitecustomize": files({"sitecustomize": "import os\nos._exit(0)\n", "usercustomize": "import os\nos._exit(0)\n"}),
    "shadow unittest": files(
        {"unittest": "class TestCase: pass\n", "unittest/__init__": "", "json": "", "traceback": "", "os": ""}
    )
    | files({"importlib/__init__": "", "importlib/util": "", "typing": ""}),
    "patch the assertions": files({"shop/price": PATCHED}),
    "patch the result": files({"shop/price": SUCCESS + WRONG}),
    "fork and stay": files({"shop/price": FORK.replace("if os.fork()", "if not os.fork()") + WRONG}),
    "fork and leave": files({"shop/price": FORK}),
    "stay in the background": files({"shop/price": LOITER}),
    "syntax error": files({"shop/price": "def total(:\n"}),
    "null bytes": {"shop/price.py": File(b"\0\0")},
    "close the output": files({"shop/price": "import os\nos.close(1)\nos.close(2)\n" + WRONG}),
    "compiled code": {"shop/__pycache__/price.cpython-311.pyc": File(b"junk"), "shop/price.pyc": File(b"junk")},
    "recursion": files({"shop/price": "def total(prices):\n    return total(prices)\n"}),
}


@pytest.mark.parametrize("name", CHEATS)
def test_cheating_is_unsolved(price: FolderBenchmark, name: str) -> None:
    grade = price.grade("shop/price", Patch(CHEATS[name]), LocalSandbox("benchmarks"), 1)
    assert not grade.solved, grade.report


ANYTHING = """
class Any:
    def __eq__(self, other):
        return {}

    __hash__ = None


def total(prices):
    return Any()
"""


def test_what_equals_everything_is_flagged(price: FolderBenchmark) -> None:
    for answer in ("True", "not isinstance(other, str)", "isinstance(other, int)"):
        changed = files({"shop/price": ANYTHING.format(answer)})
        grade = price.grade("shop/price", Patch(changed), LocalSandbox("benchmarks"), 1)
        assert grade.solved, grade.report
        assert "equals-anything" in grade.flags
    honest = price.grade("shop/price", Patch(files({"shop/price": RIGHT})), LocalSandbox("benchmarks"), 1)
    assert (honest.solved, honest.flags) == (True, ())
    assert honest.tests == {
        "tests.test_hidden.PriceTest.test_sum": "passed",
        "tests.test_hidden.PriceTest.test_empty": "passed",
        "tests.test_hidden.PriceTest.test_later": "skipped",
    }


HONEST = """
import collections
import dataclasses
import enum
import inspect
import json
import logging
import sys
import traceback
import typing
import warnings

Point = collections.namedtuple("Point", "x y")


@dataclasses.dataclass
class Pair:
    a: int
    b: typing.List[int]


class Colour(enum.Enum):
    RED = 1


def total(prices):
    logging.getLogger("shop").warning("so")
    warnings.warn("so")
    inspect.signature(total)
    try:
        1 / 0
    except ZeroDivisionError:
        traceback.print_exc()
    return sum(prices)
"""


def test_honest_use_of_the_library_is_not_probing(price: FolderBenchmark) -> None:
    grade = price.grade("shop/price", Patch(files({"shop/price": HONEST})), LocalSandbox("benchmarks"), 1)
    assert grade.solved, grade.report
    assert grade.flags == ("contains:import inspect:shop/price.py",)
    named = HONEST + "\n\nDEPTH = sys._getframe(0).f_lineno\n"
    grade = price.grade("shop/price", Patch(files({"shop/price": named})), LocalSandbox("benchmarks"), 1)
    assert grade.solved, grade.report
    assert "probed:_getframe" in grade.flags


def test_a_canary_that_sings_wrong_is_named(price: FolderBenchmark) -> None:
    grade = price.grade("shop/price", Patch(CHEATS["swallow what fails"]), LocalSandbox("benchmarks"), 1)
    assert not grade.solved, grade.report
    assert any(flag.startswith("canary:") for flag in grade.flags), grade


@pytest.mark.docker
def test_cheating_is_unsolved_in_docker(price: FolderBenchmark) -> None:
    from dgm.sandbox.docker import DockerSandbox

    sandbox = DockerSandbox("benchmarks", SandboxConfig(image=os.environ.get("DGM_TEST_IMAGE", "dgm-test-base:latest")))
    for name in ("leave at import", "shadow unittest", "fork and leave", "stay in the background", "sitecustomize"):
        assert not price.grade("shop/price", Patch(CHEATS[name]), sandbox, 1).solved, name


def test_deleting_tests_is_unsolved(price: FolderBenchmark) -> None:
    deleted = ("tests/test_price.py", "tests/test_hidden.py", "tests/__init__.py")
    grade = price.grade("shop/price", Patch(deleted=deleted), LocalSandbox("benchmarks"), 1)
    assert not grade.solved
    assert "touched:tests/test_price.py" in grade.flags


def test_an_endless_loop_is_unsolved(tmp_path: Path) -> None:
    price = FolderBenchmark(shop(tmp_path / "shop"), Limits(seconds=0.7))
    for code in (ENDLESS, "def total(prices):\n    while True: pass\n"):
        grade = price.grade("shop/price", Patch(files({"shop/price": code})), LocalSandbox("benchmarks"), 1)
        assert not grade.solved
        assert "timeout" in grade.report


def test_honest_work_beside_forbidden_files_is_solved_and_flagged(price: FolderBenchmark) -> None:
    changed = files(
        {
            "shop/price": RIGHT,
            "tests/test_price": EMPTY_TEST,
            "conftest": "1 / 0",
            "sitecustomize": "1 / 0",
            "json": "1 / 0",
        }
    )
    changed |= files({"tests/test_mine": EMPTY_TEST, "shop/extra": "import atexit\n"})
    changed["shop/fast.so"] = File(b"\x7fELF\2\1\1")
    grade = price.grade("shop/price", Patch(changed), LocalSandbox("benchmarks"), 1)
    assert grade.solved, grade.report
    assert set(grade.flags) == {
        "touched:tests/test_price.py",
        "touched:conftest.py",
        "touched:sitecustomize.py",
        "shadows:json",
        "contains:atexit:shop/extra.py",
        "native:shop/fast.so",
    }


def test_tampering_is_named(price: FolderBenchmark) -> None:
    grade = price.grade("shop/price", Patch(CHEATS["patch the assertions"]), LocalSandbox("benchmarks"), 1)
    assert "tampered:TestCase.assertEqual" in grade.flags


def test_leaving_early_is_named(price: FolderBenchmark) -> None:
    grade = price.grade("shop/price", Patch(CHEATS["leave at import"]), LocalSandbox("benchmarks"), 1)
    assert "left-without-proof" in grade.flags


def test_a_patch_that_does_not_fit_is_unsolved(price: FolderBenchmark) -> None:
    for path in ("shop/price.py/deeper.py", "../out.py", ".git/config", "/etc/passwd"):
        grade = price.grade("shop/price", Patch({path: File(b"")}), LocalSandbox("benchmarks"), 1)
        assert not grade.solved
        assert "does not fit" in grade.report


# ---------------------------------------------------------------- whose fault it is


def test_a_missing_interpreter_is_a_fault_of_the_sandbox(price: FolderBenchmark) -> None:
    with pytest.raises(SandboxFault):
        price.grade(
            "shop/price", Patch(files({"shop/price": RIGHT})), LocalSandbox("benchmarks", python="/bin/false"), 1
        )


def test_swallowed_output_is_no_fault_of_the_sandbox(price: FolderBenchmark) -> None:
    code = CATCH.replace("os.write", "len") + "while True:\n    pass\n"
    limits = Limits(seconds=1)
    patch = Patch(files({"shop/price": "import os, time\n" + code}))
    exam = price.items["shop/price"].exam
    for _ in range(3):
        assert not grading.grade(exam, patch, LocalSandbox("benchmarks"), 1, limits).solved
    silent = Silent("benchmarks")
    assert not grading.grade(exam, Patch(files({"shop/price": RIGHT})), silent, 1, limits).solved


class Silent(LocalSandbox):
    """Where everything that tests print is caught by somebody else."""

    def run(self, errand: Errand) -> Ran:
        ran = super().run(errand)
        return msgspec.structs.replace(ran, output=b"") if "{home}/grader/prove.py" in errand.command else ran


def test_a_cancelled_grading_is_no_verdict(price: FolderBenchmark) -> None:
    sandbox, caught = LocalSandbox("benchmarks"), []

    def attempt() -> None:
        try:
            price.grade("shop/price", Patch(files({"shop/price": ENDLESS})), sandbox, 7)
        except Cancelled as fault:
            caught.append(fault)

    thread = threading.Thread(target=attempt)
    thread.start()
    while thread.is_alive():
        sandbox.cancel(7)
        thread.join(0.2)
    assert len(caught) == 1


# ---------------------------------------------------------------- check commands


@pytest.mark.parametrize(
    ("check", "code", "solved"),
    [
        ('command = ["sh", "-c", "grep -q sum shop/price.py"]', RIGHT, True),
        ('command = ["sh", "-c", "grep -q sum shop/price.py"]', WRONG, False),
        ('command = ["sh", "-c", "echo 12 tests passed"]\noutput = "^[0-9]+ tests passed$"', WRONG, True),
        ('command = ["sh", "-c", "echo nothing to do"]\noutput = "^[0-9]+ tests passed$"', RIGHT, False),
        ('command = ["sh", "-c", "echo 12 tests passed; exit 3"]\noutput = "passed"', RIGHT, False),
    ],
)
def test_commands(tmp_path: Path, check: str, code: str, solved: bool) -> None:
    benchmark = FolderBenchmark(shop(tmp_path / "shop", f"[check]\n{check}\n"))
    grade = benchmark.grade("shop/price", Patch(files({"shop/price": code})), LocalSandbox("benchmarks"), 1)
    assert grade.solved is solved, grade.report
