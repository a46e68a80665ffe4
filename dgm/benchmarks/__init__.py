"""What counts: benchmarks found by name or path.

Invariant: a benchmark that `open_benchmark` returns has been read and checked whole.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal

from msgspec import Struct

from dgm.benchmarks.folder import FolderBenchmark
from dgm.benchmarks.held import GRADING, Advice, BadBenchmark, read_settings
from dgm.benchmarks.polyglot import PolyglotBenchmark
from dgm.benchmarks.swebench import SweBenchmark
from dgm.config import ConfigError
from dgm.protocols import Benchmark, Limits
from dgm.shipped import shipped

__all__ = [
    "BadBenchmark",
    "FolderBenchmark",
    "PolyglotBenchmark",
    "SweBenchmark",
    "in_images",
    "is_proven",
    "open_benchmark",
    "recommended",
]

KINDS: Mapping[str, Callable[[Path, Limits], Benchmark]] = {
    "folder": FolderBenchmark,
    "polyglot": PolyglotBenchmark,
    "swebench": SweBenchmark,
}


class AnySettings(Struct, frozen=True):
    """What every `benchmark.toml` is asked for, whatever its kind."""

    kind: Literal["folder", "polyglot", "swebench"] = "folder"
    proven: bool = False
    limits: Advice = Advice()


def recommended(name_or_path: str) -> dict[str, dict[str, int | float]]:
    """The limits that the `benchmark.toml` recommends, by the section of settings; none where it cannot be read, as
    `open_benchmark` will say."""
    try:
        settings = read_settings(shipped("benchmarks", name_or_path) / "benchmark.toml", AnySettings)
    except ConfigError:
        return {}
    return {"attempt": dict(settings.limits.attempt), "grading": dict(settings.limits.grading)}


def in_images(name_or_path: str) -> bool:
    """Whether what agents start from is in images alone. Raises `ConfigError`."""
    return read_settings(shipped("benchmarks", name_or_path) / "benchmark.toml", AnySettings).kind == "swebench"


def open_benchmark(name_or_path: str, limits: Limits = GRADING) -> Benchmark:
    """The shipped benchmark of that name, or the one in that folder. Raises `ConfigError`."""
    folder = shipped("benchmarks", name_or_path)
    return KINDS[read_settings(folder / "benchmark.toml", AnySettings).kind](folder, limits)


def is_proven(name_or_path: str) -> bool:
    """Whether the benchmark says of itself that its tasks are sound wherever it runs. Raises `ConfigError`."""
    return read_settings(shipped("benchmarks", name_or_path) / "benchmark.toml", AnySettings).proven
