"""A folder of tasks as a benchmark: `benchmark.toml` and, for each task, `tasks/<id>/` with

task.md     the statement
work/       the starting state, visible tests included
hidden/     files laid over the workspace for grading only; they win
solution/   files of the reference, laid over `work/` (optional)
task.toml   settings of this task's own (optional)

Invariant: what is read is checked whole when the benchmark is opened, and never changes afterwards.
"""

import re
import tomllib
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal, TypeVar

import msgspec
from msgspec import Struct

from dgm.benchmarks.grading import PROVER, STEERING, TESTS, Check, Exam, count_tests, grade, is_test_file
from dgm.files import BadFiles, Files, digest, read_folder
from dgm.jobs import JobId, TaskId
from dgm.protocols import Grade, Limits, Patch, Sandbox, Task

Settings = TypeVar("Settings", bound=Struct)


class BadBenchmark(ValueError):
    """A benchmark that cannot be read. The text names the file and what to change."""


class FolderSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """`benchmark.toml`."""

    name: str
    kind: Literal["folder"] = "folder"
    description: str = ""
    language: str = "python"
    image: str | None = None
    """The Docker image that tasks are attempted and graded in; the run's own default if there is none."""
    seconds: float | None = None
    """How long an agent may work on a task; the run's own limit if there is none."""
    check: Check = Check()
    protected: tuple[str, ...] = TESTS
    """Patterns of paths or names that grading takes from the benchmark, whatever the agent did to them."""


class TaskSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """`task.toml`: what differs from the benchmark's settings."""

    difficulty: Literal["", "easy", "medium", "hard"] = ""
    image: str | None = None
    seconds: float | None = None
    check: Check | None = None
    protected: tuple[str, ...] | None = None


class Item(Struct, frozen=True):
    """One task as the benchmark holds it."""

    task: Task
    exam: Exam
    solution: Files | None
    difficulty: str


class FolderBenchmark:
    """Fulfils `dgm.protocols.Benchmark`."""

    name: str
    version: str

    def __init__(self, folder: Path, limits: Limits = Limits()) -> None:
        """Read all tasks below `folder`; `limits` but its time are what grading may use. Raises `BadBenchmark`."""
        settings = read_settings(folder / "benchmark.toml", FolderSettings)
        places = sorted(path for path in (folder / "tasks").glob("*") if path.is_dir())
        if not places:
            raise BadBenchmark(
                f"{folder / 'tasks'} holds no tasks: make a folder with a task.md, work/ and hidden/ there"
            )
        self.name = settings.name
        self.limits = limits
        self.items = {item.task.id: item for item in (read_item(place, settings) for place in places)}
        self.version = version_of(self.items.values())

    def tasks(self) -> Sequence[TaskId]:
        return tuple(self.items)

    def task(self, id: TaskId) -> Task:
        return self.items[id].task

    def grade(self, id: TaskId, patch: Patch, sandbox: Sandbox, job: JobId) -> Grade:
        return grade(self.items[id].exam, patch, sandbox, job, self.limits)

    def reference(self, id: TaskId) -> Patch | None:
        solution = self.items[id].solution
        return None if solution is None else Patch(solution)


def read_item(place: Path, settings: FolderSettings) -> Item:
    """One task. Raises `BadBenchmark`."""
    for name in ("task.md", "work", "hidden"):
        if not (place / name).exists():
            raise BadBenchmark(f"{place / name} is missing; a task has a task.md, work/ and hidden/")
    own = read_settings(place / "task.toml", TaskSettings) if (place / "task.toml").exists() else TaskSettings()
    work, hidden = read_tree(place / "work"), read_tree(place / "hidden")
    check, image = own.check or settings.check, own.image or settings.image
    if not check.command and not count_tests(file for path, file in hidden.items() if is_test_file(path)):
        raise BadBenchmark(f"{place / 'hidden'} has no unittest tests; add a test_*.py, or a check.command in the TOML")
    task = Task(
        id=f"{settings.name}/{place.name}",
        statement=(place / "task.md").read_text(encoding="utf-8"),
        files=work,
        image=image,
        seconds=own.seconds or settings.seconds,
    )
    protected = settings.protected if own.protected is None else own.protected
    solution = read_tree(place / "solution") if (place / "solution").exists() else None
    return Item(task, Exam(work, hidden, check, protected, image), solution, own.difficulty)


def version_of(items: Iterable[Item]) -> str:
    """A digest of everything that the scores of `items` depend on; 16 hexadecimal digits."""
    parts: list[Any] = [PROVER(), STEERING]
    for item in items:
        task, exam = item.task, item.exam
        parts.append((task.id, task.statement, task.image, task.seconds, digest(exam.work), digest(exam.hidden)))
        parts.append((exam.check, exam.protected))
    return sha256(msgspec.msgpack.encode(parts)).hexdigest()[:16]


def read_tree(folder: Path) -> Files:
    try:
        return read_folder(folder)
    except BadFiles as error:
        raise BadBenchmark(f"{folder} cannot be part of a task: {error}") from error


def read_settings(path: Path, kind: type[Settings]) -> Settings:
    """The TOML file at `path` as a `kind`, unknown keys refused. Raises `BadBenchmark`."""
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
        return msgspec.convert(raw, kind)
    except FileNotFoundError as error:
        raise BadBenchmark(f'{path} is missing; it holds at least: name = "..."') from error
    except msgspec.ValidationError as error:
        raise BadBenchmark(f"{path}: {error}{hint(str(error), kind)}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadBenchmark(f"{path} is not TOML: {error}") from error


def hint(error: str, kind: type[Struct]) -> str:
    """What the unknown key that `error` names was probably meant to be."""
    unknown = re.search(r"unknown field `(.*?)`", error)
    if unknown is None:
        return ""
    allowed = [*(Check if "$.check" in error else kind).__struct_fields__]
    close = get_close_matches(unknown[1], allowed, 1)
    return f"; did you mean `{close[0]}`?" if close else f"; allowed are {', '.join(allowed)}"
