"""What counts: benchmarks found by name or path, and the proof that a benchmark is sound.

Invariant: a benchmark that `open_benchmark` returns has been read and checked whole.
"""

import tomllib
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Literal

from msgspec import Struct

from dgm.benchmarks.folder import FolderBenchmark
from dgm.benchmarks.held import GRADING, BadBenchmark
from dgm.benchmarks.polyglot import PolyglotBenchmark
from dgm.jobs import TaskId
from dgm.protocols import Benchmark, Limits, Patch, Sandbox

__all__ = ["BadBenchmark", "Finding", "FolderBenchmark", "PolyglotBenchmark", "open_benchmark", "shipped", "verify"]


class Finding(Struct, frozen=True):
    """What makes a task unfit for scoring.

    ceiling: its reference is graded unsolved · floor: the untouched state is graded solved · reference: it has none
    """

    task: TaskId
    kind: Literal["ceiling", "floor", "reference"]
    report: str = ""


def open_benchmark(name_or_path: str, limits: Limits = GRADING) -> Benchmark:
    """The shipped benchmark of that name, or the one in that folder. Raises `BadBenchmark`."""
    folder = shipped() / name_or_path
    if "/" in name_or_path or not folder.is_dir():
        folder = Path(name_or_path)
    settings = folder / "benchmark.toml"
    if not settings.is_file():
        known = sorted(path.parent.name for path in shipped().glob("*/benchmark.toml"))
        raise BadBenchmark(
            f"{name_or_path!r} is neither a shipped benchmark ({', '.join(known) or 'there are none'}) "
            "nor a folder with a benchmark.toml"
        )
    if kind_of(settings) == "polyglot":
        return PolyglotBenchmark.configured(settings, limits)
    return FolderBenchmark(folder, limits)


def kind_of(settings: Path) -> object:
    try:
        return tomllib.loads(settings.read_text(encoding="utf-8")).get("kind")
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadBenchmark(f"{settings} is not TOML: {error}") from error


def shipped() -> Path:
    """The folder of the benchmarks that come with the package: inside it when installed, beside it in a checkout."""
    package = Path(__file__).parent.parent
    inside = package / "data" / "benchmarks"
    return inside if inside.is_dir() else package.parent / "benchmarks"


def verify(
    benchmark: Benchmark, sandbox: Sandbox, ids: Iterable[TaskId] | None = None, slots: int = 2
) -> list[Finding]:
    """Grade the reference and the untouched state of each task, `slots` at once; nothing found is a sound benchmark.

    Raises `SandboxFault`, and `KeyError` for an unknown id.
    """

    def examine(id: TaskId) -> list[Finding]:
        found = []
        reference = benchmark.reference(id)
        if reference is None:
            found.append(Finding(id, "reference"))
        elif not (grade := benchmark.grade(id, reference, sandbox, 0)).solved:
            found.append(Finding(id, "ceiling", grade.report))
        if (grade := benchmark.grade(id, Patch(), sandbox, 0)).solved:
            found.append(Finding(id, "floor", grade.report))
        return found

    with ThreadPoolExecutor(slots) as pool:
        return [finding for found in pool.map(examine, ids or benchmark.tasks()) for finding in found]
