"""Sources can be parsed from many threads."""

import gc
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from dgm.syntax import parsed

SOURCE = "def f(x):\n" + "".join(f"    y{number} = (x + {number}) * [x, {number}]\n" for number in range(300))


class Litter:
    """Garbage that lets other threads run while it is collected, if need be in the midst of parsing."""

    def __init__(self) -> None:
        self.me = self

    def __del__(self) -> None:
        time.sleep(0.0005)


@pytest.fixture
def restless() -> Iterator[None]:
    """Threads that take turns as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)
    gc.collect()


def test_threads_do_not_disturb_each_other(restless: None) -> None:
    def work(_: int) -> int:
        for _ in range(5):
            Litter()
        return len(parsed(SOURCE).body)

    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(work, range(40))) == [1] * 40
