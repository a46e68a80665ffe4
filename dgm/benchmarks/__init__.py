"""What counts: benchmarks found by name or path, and the proof that a benchmark is sound.

Invariant: a benchmark that `open_benchmark` returns has been read and checked whole.
"""

from pathlib import Path

from dgm.benchmarks.folder import BadBenchmark, FolderBenchmark
from dgm.protocols import Benchmark, Limits

__all__ = ["BadBenchmark", "open_benchmark", "shipped"]

GRADING = Limits(seconds=300.0)


def open_benchmark(name_or_path: str, limits: Limits = GRADING) -> Benchmark:
    """The shipped benchmark of that name, or the one in that folder. Raises `BadBenchmark`."""
    folder = Path(name_or_path) if "/" in name_or_path else shipped() / name_or_path
    if not (folder / "benchmark.toml").is_file():
        names = sorted(path.parent.name for path in shipped().glob("*/benchmark.toml"))
        known = ", ".join(names) or "none"
        raise BadBenchmark(f"there is no benchmark {name_or_path!r}; shipped are: {known}; or name a folder as ./folder")
    return FolderBenchmark(folder, limits)


def shipped() -> Path:
    """The folder of the benchmarks that come with the package: beside it in a checkout, inside it when installed."""
    package = Path(__file__).parent.parent
    inside = package / "data" / "benchmarks"
    return inside if inside.is_dir() else package.parent / "benchmarks"
