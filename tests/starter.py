"""The starter benchmark, read once for all tests that only look at it."""

from functools import cache

from dgm.benchmarks import open_benchmark
from dgm.protocols import Benchmark


@cache
def starter() -> Benchmark:
    return open_benchmark("starter")
