"""The plugin by which pytest itself tells outcomes: it disturbs nothing, and nothing disturbs it."""

import os
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from threading import Thread

import pytest

from dgm.benchmarks import pytest_proof
from dgm.benchmarks.swebench_grader import ENTRY
from dgm.benchmarks.swebench_proof import Proof, Result, read_proof

SUITE = """
import unittest
import pytest

@pytest.mark.parametrize("x", ["a b", "[c]", "\\u00fc", "d::e", "l\\nm"])
def test_ids(x): pass
def test_fails(): assert False
@pytest.mark.xfail
def test_xfails(): assert False
@pytest.mark.xfail(run=False)
def test_not_run(): pass
@pytest.mark.xfail
def test_xpasses(): pass
@pytest.mark.xfail(strict=True)
def test_strict(): pass
@pytest.mark.skip
def test_skipped(): pass
def test_skips(): pytest.skip("now")
@pytest.fixture
def broken(): raise RuntimeError
def test_broken(broken): pass
class TestA:
    class TestB:
        def test_deep(self): pass
class U(unittest.TestCase):
    def test_good(self): pass
    def test_bad(self): self.fail()
    @unittest.expectedFailure
    def test_expected(self): self.fail()
    def test_parts(self):
        for i in range(2):
            with self.subTest(i=i): self.assertEqual(i, 1)
"""
ABSENT = ("cacheprovider", "hypothesispytest", "anyio", "timeout")
"""Plugins of this very suite, which take longer to load than a session takes without them."""
OUTCOMES = {
    "test_a.py::test_ids[a b]": "passed",
    "test_a.py::test_ids[[c]]": "passed",
    "test_a.py::test_ids[\\xfc]": "passed",
    "test_a.py::test_ids[d::e]": "passed",
    "test_a.py::test_ids[l\\nm]": "passed",
    "test_a.py::test_fails": "failed",
    "test_a.py::test_xfails": "xfailed",
    "test_a.py::test_not_run": "xfailed",
    "test_a.py::test_xpasses": "xpassed",
    "test_a.py::test_strict": "failed",
    "test_a.py::test_skipped": "skipped",
    "test_a.py::test_skips": "skipped",
    "test_a.py::test_broken": "failed",
    "test_a.py::TestA::TestB::test_deep": "passed",
    "test_a.py::U::test_good": "passed",
    "test_a.py::U::test_bad": "failed",
    "test_a.py::U::test_expected": "xfailed",
    "test_a.py::U::test_parts": "failed",
}


def session(folder: Path, *words: str, proven: bool = True, **files: str) -> tuple[int, str, Proof]:
    """Exit code, summary and proof of a session over `files`, in which the plugin is found as in a grading."""
    (folder / "suite").mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / "suite" / f"{name}.py").write_text(text)
    place, line = folder / "site", str(folder / "line")
    info = place / "outcomes_x-1.0.dist-info"
    if proven:
        info.mkdir(parents=True)
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: outcomes_x\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(ENTRY.format("outcomes_x"))
        source = Path(pytest_proof.__file__).read_text()
        (place / "outcomes_x.py").write_text(source.replace("@SOCKET@", line))
    received = bytearray()

    def listen(door: socket.socket) -> None:
        connection, _ = door.accept()
        door.close()
        with connection:
            connection.sendall(b"nonce test_good test_bad")
            while data := connection.recv(1 << 16):
                received.extend(data)

    with socket.socket(socket.AF_UNIX) as door:
        if proven:
            door.bind(line)
            door.listen(1)
            listener = Thread(target=listen, args=(door,))
            listener.start()
        command = [sys.executable, "-B", "-m", "pytest", "-rA", *(f"-pno:{name}" for name in ABSENT), *words]
        env = {**os.environ, "PYTHONPATH": str(place), "PYTEST_ADDOPTS": ""}
        done = subprocess.run(command, cwd=folder / "suite", env=env, capture_output=True, text=True, timeout=100)
        if proven:
            with suppress(OSError), socket.socket(socket.AF_UNIX) as waker:  # where the plugin never connected
                waker.connect(line)
            listener.join()
    lines = [text for text in done.stdout.splitlines() if text.startswith(("PASSED", "FAILED", "ERROR", "X", "SKIP"))]
    return done.returncode, "\n".join(lines), read_proof(Result(started=proven, nonce="nonce", proof=received.decode()))


@pytest.mark.parametrize("words", [(), ("-x",), ("--maxfail=2",), ("-k", "ids"), ("--collect-only",), ("-q",)])
def test_a_session_is_what_it_would_be_without(tmp_path: Path, words: tuple[str, ...]) -> None:
    without = session(tmp_path, *words, proven=False, test_a=SUITE)
    code, summary, proof = session(tmp_path, *words)
    assert (code, summary) == without[:2]
    assert (proof.state, proof.odd) == ("whole", ())
    assert proof.outcomes.items() <= OUTCOMES.items()
    if not words:
        assert proof.outcomes == OUTCOMES


def test_collecting_that_fails(tmp_path: Path) -> None:
    code, _, proof = session(tmp_path, test_a="def test(:\n", test_b="def test(): pass\n")
    assert (code, proof.state, proof.odd, proof.outcomes) == (2, "whole", (), {})


@pytest.mark.parametrize(
    ("product", "state", "odd"),
    [
        ("import os; os._exit(0)", "left", ()),
        ("import _pytest.runner as r\ndef check(*a): return False\nr.check_interactive_exception = check", "whole", 1),
        ("import builtins\nold = isinstance\nbuiltins.isinstance = lambda *a: old(*a)", "whole", 1),
    ],
)
def test_what_product_code_may_try(tmp_path: Path, product: str, state: str, odd: object) -> None:
    _, _, proof = session(tmp_path, product=product + "\n", test_a="import product\ndef test(): assert False\n")
    assert proof.state == state
    assert bool(proof.odd) == bool(odd)


def test_nobody_listens_to_a_second_pytest(tmp_path: Path) -> None:
    inner = "import subprocess, sys\ndef test():\n"
    inner += "    assert not subprocess.run([sys.executable, '-m', 'pytest', '-q', 'inner.py']).returncode\n"
    _, _, proof = session(tmp_path, test_a=inner, inner="def test_inner(): pass\n")
    assert proof.outcomes == {"test_a.py::test": "passed"}


def test_no_object_is_left_that_an_interpreter_would_complain_about_at_its_end(tmp_path: Path) -> None:
    looking = "import gc, socket\ndef test():\n"
    looking += "    assert not [one for one in gc.get_objects() if isinstance(one, socket.socket)]\n"
    code, _, proof = session(tmp_path, test_a=looking)
    assert (code, proof.outcomes) == (0, {"test_a.py::test": "passed"})
