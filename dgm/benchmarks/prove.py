"""Runs hidden unittest tests and proves on its last line that it did. Sent into a sandbox as a file, run as a script.

Invariant: everything the proof rests on (unittest, the nonce, where to print) is in hand before product code is first
imported, and the plan that holds the nonce is deleted by then; so leaving early, printing a look-alike, shadowing a
library or leaving no tests to run proves nothing.

What remains: product code shares this process. Code that hunts the interpreter's objects for the nonce or for the
tests, or returns objects that equal everything, can still forge a pass; `dgm.benchmarks.grading` flags the usual
traces of that.

Standard library only, Python >= 3.8. Started as `python -I -u -B prove.py PLAN` in the workspace, where PLAN is a JSON
file {"nonce": str, "tests": [paths relative to the workspace]}.
"""

from __future__ import annotations

import builtins
import importlib.util
import json
import os
import sys
import traceback
import unittest
from types import CodeType, ModuleType
from typing import Any, Callable  # noqa: UP035
from unittest import TestCase

FOUNDATION = (builtins, TestCase, unittest.TestResult, unittest.TestSuite, unittest.TestLoader)
"""What a verdict hangs on; code that alters it while it is tested has not solved its task."""


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


def read(path: str) -> CodeType:
    """The compiled tests of one file, which is gone afterwards: code under test cannot read what it is asked."""
    with open(path, "rb") as file:
        code = compile(file.read(), path, "exec", dont_inherit=True)
    os.unlink(path)
    return code


def load(path: str, code: CodeType) -> ModuleType:
    """The module of one file of tests, whatever packages the product has put in its place."""
    name = path[: -len(".py")].replace("/", ".")
    spec = importlib.util.spec_from_file_location(name, os.path.join(os.getcwd(), path))
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    exec(code, vars(module))  # noqa: S102 - these are the tests
    return module


def make_importable(folder: str) -> None:
    """After the standard library, so that no file in the workspace shadows it, but before installed packages."""
    places = [i for i, path in enumerate(sys.path) if os.path.basename(path) in ("site-packages", "dist-packages")]
    sys.path.insert(places[0] if places else len(sys.path), folder)


def callables(owner: Any) -> dict[tuple[str, str], tuple[Any, Any]]:
    """The functions of a class or module, to be compared by identity later."""
    found = [(name, value) for name, value in vars(owner).items() if callable(value)]
    return {(owner.__name__, name): (value, getattr(value, "__code__", None)) for name, value in found}


def altered(before: dict[Any, dict[tuple[str, str], tuple[Any, Any]]]) -> list[str]:
    names = []
    for owner, functions in before.items():
        after = callables(owner)
        for key, (value, code) in functions.items():
            now = after.get(key, (None, None))
            if now[0] is not value or now[1] is not code:
                names.append(".".join(key))
    return names


def main() -> None:
    write, leave, whoami, pid = os.write, os._exit, os.getpid, os.getpid()
    out = os.dup(1)

    def tell(text: str) -> None:
        data = (text + "\n").encode("utf-8", "backslashreplace")
        while data:
            data = data[write(out, data) :]

    with open(sys.argv[1], encoding="utf-8") as file:
        plan = json.load(file)
    os.unlink(sys.argv[1])
    tell("prove: started")
    codes = [(path, read(path)) for path in plan["tests"]]
    before = {owner: callables(owner) for owner in (*FOUNDATION, Tally)}
    # Nothing that is imported later finds this script by name; `kept` keeps its functions alive.
    kept, sys.modules["__main__"] = sys.modules["__main__"], ModuleType("__main__")
    assert kept is not sys.modules["__main__"]
    make_importable(os.getcwd())
    result = Tally(tell)
    for path, code in codes:
        module = load(path, code)
        cases = [case for case in vars(module).values() if isinstance(case, type) and issubclass(case, TestCase)]
        before.update((case, callables(case)) for case in cases)
        unittest.defaultTestLoader.loadTestsFromModule(module).run(result)
    if whoami() == pid:
        # No library is trusted any more to turn the result into text.
        tell(f"\n{plan['nonce']} {result.passed} {result.broken} {' '.join(altered(before))}")
    leave(0 if result.broken == 0 else 1)


if __name__ == "__main__":
    main()
