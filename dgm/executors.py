"""Where jobs run. Each is a `concurrent.futures.Executor`; the machine knows no more than that.

Invariant: an executor neither retries nor drops a job, because jobs cost money.
"""

from collections.abc import Callable
from concurrent.futures import Executor, Future
from threading import Thread
from typing import Any


class Inline(Executor):
    """Runs each job at once, in the caller's thread: for tests and debuggers."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        _settle(future, fn, args, kwargs)
        return future


class Threads(Executor):
    """A daemon thread for each job. The caller limits how many run.

    Unlike a pool it is never short of a thread because another one is stuck, and a stuck one does not keep the process
    from ending.
    """

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        Thread(target=_settle, args=(future, fn, args, kwargs), daemon=True).start()
        return future


def _settle(future: Future[Any], fn: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    try:
        result = fn(*args, **kwargs)
    except BaseException as error:  # noqa: BLE001  # the executor's boundary: whatever it was, the future carries it
        future.set_exception(error)
    else:
        future.set_result(result)
