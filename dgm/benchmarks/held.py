"""Tasks held in memory: what all benchmarks that are read from local files share.

Invariant: what is read is checked whole when the benchmark is opened, and never changes afterwards.
"""

import re
import sys
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import TypeVar

import msgspec
from msgspec import Struct

from dgm.benchmarks.grading import PROVER, STEERING, Check, Exam, count_tests, grade
from dgm.config import ConfigError
from dgm.files import BadFiles, Files, digest, read_folder
from dgm.jobs import JobId, TaskId
from dgm.protocols import POSSIBLE, Grade, Limits, Patch, Sandbox, Task
from dgm.settings import suggestion

GRADING = Limits(seconds=300.0)
Settings = TypeVar("Settings", bound=Struct)


class Advice(Struct, frozen=True, forbid_unknown_fields=True):
    """`[limits]` of a `benchmark.toml`: what stands in for limits that the settings of a run do not set."""

    attempt: Mapping[str, int | float] = {}
    grading: Mapping[str, int | float] = {}

    def __post_init__(self) -> None:
        """Raises `ValueError`: what is wrong here must not be taken for a mistake in the settings of a run."""
        for section, given in (("attempt", self.attempt), ("grading", self.grading)):
            for name in given:
                if name not in Limits.__struct_fields__:
                    known = list(Limits.__struct_fields__)
                    raise ValueError(f"{section}.{name} is no limit{suggestion(name, known)}")
            if not msgspec.convert(given, Limits).possible:
                raise ValueError(f"{section}: {POSSIBLE}")


class BadBenchmark(ConfigError):
    """A benchmark that cannot be read. The text names the file and what to change."""


class Item(Struct, frozen=True):
    """One task as the benchmark holds it."""

    task: Task
    exam: Exam
    solution: Files | None
    grader: str = ""
    """A digest of what grades it, where that is more than `dgm.benchmarks.grading`."""


class HeldBenchmark:
    """Fulfils `dgm.protocols.Benchmark`."""

    name: str
    version: str

    def __init__(self, name: str, items: Iterable[Item], limits: Limits) -> None:
        """`limits` is what grading may use; the time is the lesser of it and what the task's check is given."""
        self.name = name
        self.limits = limits
        self.items = {item.task.id: item for item in items}
        self.fingerprints = {id: fingerprint(item) for id, item in self.items.items()}
        self.version = sha256(" ".join(self.fingerprints.values()).encode()).hexdigest()[:16]

    def tasks(self) -> Sequence[TaskId]:
        return tuple(self.items)

    def task(self, id: TaskId) -> Task:
        return self.items[id].task

    def fingerprint(self, id: TaskId) -> str:
        return self.fingerprints[id]

    def grade(self, id: TaskId, patch: Patch, sandbox: Sandbox, job: JobId) -> Grade:
        return grade(self.items[id].exam, patch, sandbox, job, self.limits)

    def reference(self, id: TaskId) -> Patch | None:
        solution = self.items[id].solution
        return None if solution is None else Patch(solution)


def fingerprint(item: Item) -> str:
    """A digest of everything that the scores on one task depend on; 16 hexadecimal digits."""
    task, exam = item.task, item.exam
    parts: list[object] = [PROVER(), STEERING, task.id, task.statement, task.image, task.seconds]
    parts += [digest(exam.work), digest(exam.hidden), exam.check, exam.protected, item.grader, task.tries]
    return sha256(msgspec.msgpack.encode(parts)).hexdigest()[:16]


def read_tree(folder: Path) -> Files:
    """Raises `BadBenchmark`."""
    try:
        return read_folder(folder)
    except BadFiles as error:
        raise BadBenchmark(f"{folder} cannot be part of a task: {error}") from error


def check_tests(exam: Exam, place: Path) -> None:
    """Raises `BadBenchmark` if the hidden tests read from `place` could not prove anything."""
    try:
        provable = bool(exam.check.command) or count_tests(exam.hidden) > 0
    except SyntaxError as error:
        raise BadBenchmark(f"{place}: a hidden test is not Python: {error}") from error
    if not provable:
        raise BadBenchmark(f"{place} has no unittest tests; add a test_*.py, or a check.command in the TOML")


def read_settings(path: Path, kind: type[Settings]) -> Settings:
    """The TOML file at `path` as a `kind`, unknown keys refused. Raises `BadBenchmark`."""
    try:
        return msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), kind)
    except FileNotFoundError as error:
        raise BadBenchmark(f'{path} is missing; it holds at least: name = "..."') from error
    except msgspec.ValidationError as error:
        raise BadBenchmark(f"{path}: {error}{hint(str(error), kind)}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadBenchmark(f"{path} is not TOML: {error}") from error


def tell(text: str) -> None:
    """Say, for people, what takes long while a benchmark is opened."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def hint(error: str, kind: type[Struct]) -> str:
    """What the unknown key that `error` names was probably meant to be."""
    unknown = re.search(r"unknown field `(.*?)`", error)
    if unknown is None:
        return ""
    parts: dict[str, type[Struct]] = {"$.check": Check, "$.limits": Advice}
    allowed = next((part for place, part in parts.items() if place in error), kind).__struct_fields__
    return suggestion(unknown[1], list(allowed)) or f"; allowed are {', '.join(allowed)}"
