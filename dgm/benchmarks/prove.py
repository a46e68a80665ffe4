"""Runs hidden unittest tests and proves on its last line that it did. Sent into a sandbox as a file, run as a script.

Invariant: everything the proof rests on (unittest, the nonce, where to print) is in hand before product code is first
imported, and the plan that holds the nonce is deleted by then; so leaving early, printing a look-alike, shadowing a
library or leaving no tests to run proves nothing.

What remains: product code shares this process. Code that hunts the interpreter's objects for the nonce, or returns
objects that equal everything, can still forge a pass; `dgm.benchmarks.grading` flags the usual traces of that.

Standard library only, Python >= 3.8. Started as `python -I -u -B prove.py PLAN` in the workspace, where PLAN is a JSON
file {"nonce": str, "tests": [paths relative to the workspace]}.
"""

from __future__ import annotations

import importlib.util
import json
import os
import sys
import traceback
import unittest
from typing import Any, Callable  # noqa: UP035


class Tally(unittest.TestResult):
    """Counts passes; everything else, runtime skips included, is told to `tell` and counts against the code."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        super().__init__()
        self.tell = tell
        self.passed = 0
        self.broken = 0

    def addSuccess(self, test: Any) -> None:
        self.passed += 1

    def addError(self, test: Any, err: Any) -> None:
        self._break("ERROR", test, err)

    def addFailure(self, test: Any, err: Any) -> None:
        self._break("FAIL", test, err)

    def addSubTest(self, test: Any, subtest: Any, err: Any) -> None:
        if err is not None:
            self._break("FAIL", subtest, err)

    def addUnexpectedSuccess(self, test: Any) -> None:
        self.broken += 1
        self.tell(f"UNEXPECTED SUCCESS: {test}")

    def addSkip(self, test: Any, reason: str) -> None:
        method = getattr(test, getattr(test, "_testMethodName", ""), None)
        declared = getattr(type(test), "__unittest_skip__", False) or getattr(method, "__unittest_skip__", False)
        if not declared:
            self.broken += 1
            self.tell(f"SKIPPED while running: {test}: {reason}")

    def _break(self, word: str, test: Any, err: Any) -> None:
        self.broken += 1
        if self.broken <= 20:
            story = "".join(traceback.format_exception(*err, limit=-8))
            self.tell(f"{word}: {test}\n{story[-3000:]}")


def load(path: str) -> unittest.TestSuite:
    """The tests of one file, imported from exactly that file, whatever packages the product has put beside it."""
    name = path[: -len(".py")].replace("/", ".")
    spec = importlib.util.spec_from_file_location(name, os.path.join(os.getcwd(), path))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return unittest.defaultTestLoader.loadTestsFromModule(module)


def make_importable(folder: str) -> None:
    """After the standard library, so that no file in the workspace shadows it, but before installed packages."""
    places = [i for i, path in enumerate(sys.path) if os.path.basename(path) in ("site-packages", "dist-packages")]
    sys.path.insert(places[0] if places else len(sys.path), folder)


def fingerprint() -> dict[str, tuple[int, int]]:
    """What the verdict hangs on in unittest, by identity."""
    found = {}
    for owner in (unittest.TestCase, unittest.TestResult, unittest.TestSuite, unittest.TestLoader, Tally):
        for name, value in list(vars(owner).items()):
            if callable(value):
                found[f"{owner.__name__}.{name}"] = (id(value), id(getattr(value, "__code__", None)))
    return found


def main() -> None:
    write, leave, dump, whoami, pid = os.write, os._exit, json.dumps, os.getpid, os.getpid()
    out = os.dup(1)

    def tell(text: str) -> None:
        data = (text + "\n").encode("utf-8", "backslashreplace")
        while data:
            data = data[write(out, data) :]

    with open(sys.argv[1], encoding="utf-8") as file:
        plan = json.load(file)
    os.unlink(sys.argv[1])
    before = fingerprint()
    tell("prove: started")
    make_importable(os.getcwd())
    result = Tally(tell)
    for path in plan["tests"]:
        load(path).run(result)
    if whoami() == pid:
        after = fingerprint()
        tampered = sorted(name for name in before if after.get(name) != before[name])
        report = {"passed": result.passed, "broken": result.broken, "tampered": tampered}
        tell("\n" + plan["nonce"] + " " + dump(report))
    leave(0 if result.broken == 0 else 1)


if __name__ == "__main__":
    main()
