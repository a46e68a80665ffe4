"""A folder of tasks as a benchmark: `benchmark.toml` and, for each task, `tasks/<id>/` with

task.md     the statement
work/       the starting state, visible tests included
hidden/     files laid over the workspace for grading only; they win (optional where a command decides)
solution/   files of the reference, laid over `work/` (optional)
task.toml   settings of this task's own (optional)

Invariant: an agent is shown `task.md` and `work/`, and nothing else of a task.
"""

from pathlib import Path
from typing import Literal

from msgspec import Struct

from dgm.benchmarks.grading import TESTS, Check, Exam
from dgm.benchmarks.held import (
    GRADING,
    Advice,
    BadBenchmark,
    HeldBenchmark,
    Item,
    check_tests,
    read_settings,
    read_tree,
)
from dgm.protocols import Limits, Task


class FolderSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """`benchmark.toml`."""

    name: str
    kind: Literal["folder"] = "folder"
    description: str = ""
    limits: Advice = Advice()
    """Recommended limits of attempts and grading."""
    proven: bool = False
    """Whether its tasks are known to be sound wherever they run, so that a run does not ask for `dgm prepare` first."""
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


class FolderBenchmark(HeldBenchmark):
    """All tasks below `folder`. Raises `BadBenchmark`."""

    def __init__(self, folder: Path, limits: Limits = GRADING) -> None:
        settings = read_settings(folder / "benchmark.toml", FolderSettings)
        places = sorted(path for path in (folder / "tasks").glob("*") if path.is_dir())
        if not places:
            raise BadBenchmark(f"{folder / 'tasks'} is empty: make a folder with a task.md, work/ and hidden/ there")
        super().__init__(settings.name, (read_item(place, settings) for place in places), limits)


def read_item(place: Path, settings: FolderSettings) -> Item:
    """One task. Raises `BadBenchmark`."""
    own = read_settings(place / "task.toml", TaskSettings) if (place / "task.toml").exists() else TaskSettings()
    check = own.check or settings.check
    for name in ("task.md", "work", *(() if check.command else ("hidden",))):
        if not (place / name).exists():
            raise BadBenchmark(f"{place / name} is missing; a task has a task.md, work/ and hidden/")
    exam = Exam(
        work=read_tree(place / "work"),
        hidden=read_tree(place / "hidden") if (place / "hidden").exists() else {},
        check=check,
        protected=settings.protected if own.protected is None else own.protected,
        image=own.image or settings.image,
    )
    check_tests(exam, place / "hidden")
    task = Task(
        id=f"{settings.name}/{place.name}",
        statement=(place / "task.md").read_text(encoding="utf-8"),
        files=exam.work,
        image=exam.image,
        seconds=own.seconds or settings.seconds,
        group=own.difficulty,
    )
    solution = read_tree(place / "solution") if (place / "solution").exists() else None
    return Item(task, exam, solution)
