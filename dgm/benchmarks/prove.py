"""Runs hidden unittest tests and proves on its last line that it did. Sent into a sandbox as a file, run as a script.

Invariant: everything the proof rests on (unittest, the seal, where to print) is in hand before product code is first
imported, and the plan that holds the key is deleted by then; so leaving early, printing a look-alike, catching the
proof on its way, shadowing a library or leaving no tests to run proves nothing. Canaries ride along: tests made here
that must fail, and one that must pass; a proof in which one of them went wrong is none.

What remains: product code shares this process. Code that hunts the interpreter's objects for the seal or for the
tests, or returns objects that equal everything, can still forge a pass; `dgm.benchmarks.grading` flags the usual
traces of that, and this script says whether anything compared equal to what nothing equals.

Standard library only, Python >= 3.8. Started as `python -I -u -B prove.py PLAN` in the workspace, where PLAN is a JSON
file {"key": hexadecimal str, "tests": [paths relative to the workspace]}. A proof is a line
`prove: SEAL counts PASSED BROKEN RIGHT CANARIES ODD [ALTERED ...]`: the keyed BLAKE2 of what follows it, tests that
passed and did not, canaries that were right and all, whether something equalled anything, and what was altered. The
line `prove: SEAL tests NAME=OUTCOME ...` before it is sealed alike, and so is `prove: SEAL probed NAME`, which is
written at once when product code reaches for the interpreter's frames and objects, by whatever name it calls them.
"""

from __future__ import annotations

import builtins
import importlib.util
import json
import os
import sys
import traceback
import unittest
import unittest.case
import unittest.loader
import unittest.result
import unittest.suite
from hashlib import blake2b
from types import CodeType, ModuleType
from typing import Any, Callable, Iterator  # noqa: UP035
from unittest import TestCase

PARTS = (unittest.case, unittest.loader, unittest.result, unittest.suite)
CLASSES = {item for part in PARTS for item in vars(part).values() if isinstance(item, type)}
FOUNDATION = (builtins, *PARTS, *(kind for kind in CLASSES if kind.__module__.startswith("unittest.")))
"""What a verdict hangs on; code that alters it while it is tested has not solved its task."""
PROBES = (
    *("_getframe", "_current_frames", "_current_exceptions", "get_objects", "get_referrers", "get_referents"),
    *("settrace", "setprofile", "dlopen", "tb_frame", "gi_frame", "cr_frame", "__code__"),
)
"""What the interpreter tells of, by the last part of its name, and what code that solves its task hardly needs."""
NAMES_ROOM = 20_000
"""Characters of the line that names tests: the end of the output has to hold it."""


class Tally(unittest.TestResult):
    """Counts passes; everything else, runtime skips included, is told to `tell` and counts against the code."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        super().__init__()
        self.tell = tell
        self.passed = 0
        self.broken = 0
        self.outcomes: dict[str, str] = {}
        self.skippable: set[int] = set()
        self.canaries: dict[int, list[str]] = {}

    def addSuccess(self, test: Any) -> None:
        if id(test) in self.canaries:
            self.canaries[id(test)].append("passed")
            return
        self.passed += 1
        self.outcomes[name_of(test)] = "passed"

    def addError(self, test: Any, err: Any) -> None:
        self._break("ERROR", test, err)

    def addFailure(self, test: Any, err: Any) -> None:
        self._break("FAIL", test, err)

    def addSubTest(self, test: Any, subtest: Any, err: Any) -> None:
        if err is not None:
            self._break("FAIL", test, err, subtest)

    def addUnexpectedSuccess(self, test: Any) -> None:
        self.broken += 1
        self.outcomes[name_of(test)] = "failed"
        self.tell(f"UNEXPECTED SUCCESS: {test}")

    def addSkip(self, test: Any, reason: str) -> None:
        self.outcomes[name_of(test)] = "skipped"
        # What was not to be skipped when it was loaded has been made so by the code under test.
        if id(test) not in self.skippable:
            self.broken += 1
            self.tell(f"SKIPPED while running: {test}: {reason}")

    def _break(self, word: str, test: Any, err: Any, part: Any = None) -> None:
        if id(test) in self.canaries:
            self.canaries[id(test)].append("broken")
            return
        self.broken += 1
        self.outcomes[name_of(test)] = "error" if word == "ERROR" else "failed"
        if self.broken <= 20:
            story = "".join(traceback.format_exception(*err, limit=-8))
            self.tell(f"{word}: {part or test}\n{story[-3000:]}")


def name_of(test: Any) -> str:
    kind, method = type(test), getattr(test, "_testMethodName", None)
    return f"{kind.__module__}.{kind.__qualname__}.{method}" if method else str(test)


# ---------------------------------------------------------------- canaries


class Aside:
    """A test that a suite runs without a thought for the fixtures of its neighbours."""

    def __init__(self, case: TestCase) -> None:
        self.case = case

    def __iter__(self) -> Iterator[Any]:
        return iter(())

    def __call__(self, result: unittest.TestResult) -> None:
        self.case.run(result)


def canaries(module: str) -> list[tuple[TestCase, str]]:
    """Fresh tests under random names in `module`, each with its outcome: one for every way to fail, and a sound one."""
    word, number = os.urandom(4).hex(), 2 + os.urandom(1)[0]
    ways: list[tuple[str, str, tuple[Any, ...]]] = [
        ("broken", "assertEqual", (number, number - 1)),
        ("broken", "assertTrue", (not word,)),
        ("broken", "assertIn", (word, [number])),
        ("broken", "assertRaises", (LookupError, str, number)),
        ("broken", "fail", (word,)),
        ("broken", "assertLess", (number, word)),
        ("passed", "assertEqual", ([number, word], [number, word])),
    ]
    made = []
    for outcome, way, words in ways:
        name = "test_" + os.urandom(4).hex()
        body = {name: lambda case, way=way, words=words: getattr(case, way)(*words), "__module__": module}
        made.append((type("T" + os.urandom(4).hex(), (TestCase,), body)(name), outcome))
    return made


def leaves(suite: Any) -> Iterator[Any]:
    for test in suite:
        if isinstance(test, TestCase):
            yield test
        else:
            yield from leaves(test)


def skips(test: Any) -> bool:
    """Whether `test` says before it is run that it is skipped."""
    method = getattr(test, getattr(test, "_testMethodName", ""), None)
    return bool(getattr(type(test), "__unittest_skip__", False) or getattr(method, "__unittest_skip__", False))


class Stranger:
    """Equal to nothing, as far as it is asked."""


def unlike(value: Any) -> Iterator[Any]:
    """What nothing honest equals that equals `value`."""
    yield Stranger()
    if isinstance(value, (int, float)):
        yield 0 if value else 1
    elif type(value) in (list, tuple) and value:
        yield type(value)(Stranger() for _ in value)
    elif type(value) is dict and value:
        yield {key: Stranger() for key in value}
    elif type(value) is str:
        yield value + "?"


def equals(one: Any, other: Any) -> bool:
    try:
        return bool(one == other)
    except Exception:  # noqa: BLE001  # whatever the code under test makes of a strange value
        return False


def watch_equality(seen: list[bool]) -> None:
    """Have every equality that a test finds followed by one that must not hold; `seen` tells of those that did."""
    plain = TestCase.assertEqual

    def assertEqual(self: TestCase, first: Any, second: Any, msg: Any = None) -> None:
        plain(self, first, second, msg)
        for one, other in ((first, second), (second, first)):
            if any(equals(one, odd) for odd in unlike(other)):
                seen.append(True)

    TestCase.assertEqual = assertEqual  # type: ignore[method-assign]


def watch_probing(prove: Callable[[str], None]) -> None:
    """Have `prove` told, before it comes to anything, of all `PROBES` that code outside of the library makes."""
    frame_of, standard = sys._getframe, os.path.dirname(os.__file__) + os.sep
    library = ("<frozen ", standard, os.path.abspath(__file__), *(path.rstrip(os.sep) + os.sep for path in sys.path))
    foreign = (standard + "ctypes", "<frozen importlib")
    told: set[str] = set()
    busy: list[bool] = []

    def hook(event: str, words: tuple[Any, ...]) -> None:
        name = words[1] if event == "object.__getattr__" else event.rpartition(".")[2]
        if name not in PROBES or busy:
            return
        busy.append(True)
        try:
            frame: Any = frame_of(1)
            if name == "dlopen":
                name = "ctypes"
                while frame is not None and frame.f_code.co_filename.startswith(foreign):
                    frame = frame.f_back
            elif frame.f_code.co_filename == standard + "inspect.py":
                frame, name = frame.f_back, "inspect"
            if frame is not None and name not in told and not frame.f_code.co_filename.startswith(library):
                told.add(name)
                prove("probed " + name)
        finally:
            busy.clear()

    sys.addaudithook(hook)


# ---------------------------------------------------------------- reading and running


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


def shuffled_in(tests: list[Any], extra: list[Any]) -> list[Any]:
    mixed = list(tests)
    for one in extra:
        mixed.insert(int.from_bytes(os.urandom(4), "big") % (len(mixed) + 1), one)
    return mixed


def run(path: str, code: CodeType, result: Tally, before: dict[Any, Any], kept: list[Any]) -> None:
    """The tests of one file, with canaries among them."""
    module = load(path, code)
    cases = [case for case in vars(module).values() if isinstance(case, type) and issubclass(case, TestCase)]
    before.update((case, callables(case)) for case in cases)
    tests = list(leaves(unittest.defaultTestLoader.loadTestsFromModule(module)))
    result.skippable.update(id(test) for test in tests if skips(test))
    for case, outcome in (made := canaries(module.__name__)):
        result.canaries[id(case)] = [outcome]
    # Kept to the end: what is freed gives its identity to the next.
    kept += [tests, made]
    unittest.TestSuite(shuffled_in(tests, [Aside(case) for case, _ in made])).run(result)


def main() -> None:
    write, leave, whoami, pid = os.write, os._exit, os.getpid, os.getpid()
    out = os.dup(1)

    def tell(text: str) -> None:
        data = (text + "\n").encode("utf-8", "backslashreplace")
        while data:
            data = data[write(out, data) :]

    def prove(text: str) -> None:
        stamp = seal.copy()
        stamp.update(text.encode("utf-8", "backslashreplace"))
        tell(f"prove: {stamp.hexdigest()} {text}")

    with open(sys.argv[1], encoding="utf-8") as file:
        plan = json.load(file)
    os.unlink(sys.argv[1])
    seal = blake2b(key=bytes.fromhex(plan.pop("key")), digest_size=32)
    tell("prove: started")
    odd: list[bool] = []
    watch_equality(odd)
    codes = [(path, read(path)) for path in plan["tests"]]
    before = {owner: callables(owner) for owner in (*FOUNDATION, Tally, Aside)}
    watch_probing(prove)
    # Nothing that is imported later finds this script by name; `kept` keeps its functions alive.
    kept: list[Any] = [sys.modules["__main__"]]
    sys.modules["__main__"] = ModuleType("__main__")
    make_importable(os.getcwd())
    result = Tally(tell)
    for path, code in codes:
        run(path, code, result, before, kept)
    if whoami() == pid:
        # No library is trusted any more to turn the result into text.
        right = [1 for wanted, *came in result.canaries.values() if came == [wanted]]
        names = " ".join(["=".join(pair).replace(" ", "_") for pair in result.outcomes.items()])
        tell("")
        prove(f"tests {names[:NAMES_ROOM]}")
        counts = f"{result.passed} {result.broken} {len(right)} {len(result.canaries)} {1 if odd else 0}"
        prove(f"counts {counts} {' '.join(altered(before))}")
    leave(0 if result.broken == 0 else 1)


if __name__ == "__main__":
    main()
