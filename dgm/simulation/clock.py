"""Time that goes on only while the driver waits, so that hours of jobs on any number of slots take milliseconds.

Invariant: jobs end in the order of their simulated ends, and `now` never goes back.
"""

from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor, Future
from heapq import heappop, heappush
from queue import Empty
from typing import Any

from dgm.jobs import JobId, Outcome


class Clock(Executor):
    """An executor whose jobs take `outcome.usage.seconds`, and the queue in which they land."""

    def __init__(self) -> None:
        self.now = 1.0
        """Seconds; not 0, since a log that begins at 0 has not begun."""
        self._running: list[tuple[float, int, Future[Any], Outcome]] = []
        self._submitted = 0
        self._landed: deque[tuple[JobId, Future[Outcome]]] = deque()

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        outcome = fn(*args, **kwargs)
        self._submitted += 1
        heappush(self._running, (self.now + outcome.usage.seconds, self._submitted, future, outcome))
        return future

    def put(self, item: tuple[JobId, Future[Outcome]]) -> None:
        self._landed.append(item)

    def get(self, block: bool = True, timeout: float | None = None) -> tuple[JobId, Future[Outcome]]:
        """The next job that ends, at once. Raises `Empty` where none is running."""
        if not self._running:
            raise Empty
        self.now, _, future, outcome = heappop(self._running)
        future.set_result(outcome)
        return self._landed.popleft()
