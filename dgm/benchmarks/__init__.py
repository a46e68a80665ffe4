"""What counts: benchmarks found by name or path, and the proof that a benchmark is sound.

Invariant: a benchmark that `open_benchmark` returns has been read and checked whole.
"""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Literal

from msgspec import Struct

from dgm.benchmarks.folder import FolderBenchmark
from dgm.benchmarks.held import GRADING, BadBenchmark, read_settings
from dgm.benchmarks.polyglot import PolyglotBenchmark
from dgm.benchmarks.swebench import SweBenchmark
from dgm.jobs import TaskId
from dgm.protocols import Benchmark, Limits, Patch, Sandbox
from dgm.shipped import shipped

__all__ = ["BadBenchmark", "Finding", "FolderBenchmark", "PolyglotBenchmark", "SweBenchmark", "open_benchmark", "verify"]

KINDS = {"folder": FolderBenchmark, "polyglot": PolyglotBenchmark, "swebench": SweBenchmark}


class AnySettings(Struct, frozen=True):
    """The key that the `benchmark.toml` of every kind may have."""

    kind: Literal["folder", "polyglot", "swebench"] = "folder"


class Finding(Struct, frozen=True):
    """What makes a task unfit for scoring.

    ceiling: its reference is graded unsolved · floor: the untouched state is graded solved · reference: it has none
    """

    task: TaskId
    kind: Literal["ceiling", "floor", "reference"]
    report: str = ""


def open_benchmark(name_or_path: str, limits: Limits = GRADING) -> Benchmark:
    """The shipped benchmark of that name, or the one in that folder. Raises `ConfigError`."""
    folder = shipped("benchmarks", name_or_path)
    return KINDS[read_settings(folder / "benchmark.toml", AnySettings).kind](folder, limits)


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
