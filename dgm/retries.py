"""A call to a model through all its attempts: which failures are worth another, and how long to wait for it.

Invariant: only what the provider calls busy is tried again, and nothing after the time that the call has.
"""

from threading import Event

import tenacity

from dgm.protocols import Chat, ModelFault


class Call:
    """A call through all its attempts. `until`: monotonic seconds; `lost`: dollars that failed attempts may cost."""

    __slots__ = ("lost", "request", "until")

    def __init__(self, request: Chat, until: float) -> None:
        self.request = request
        self.until = until
        self.lost = 0.0


def retrying(first: float, seconds: float, gone: Event) -> tenacity.Retrying:
    """Attempts for at most `seconds`, the `first` pause about so long; `gone` ends a pause. Raises what the last one
    raised."""
    return tenacity.Retrying(
        retry=tenacity.retry_if_exception(_worth_a_retry),
        wait=_Pause(first),
        stop=tenacity.stop_before_delay(seconds),
        sleep=tenacity.sleep_using_event(gone),
        reraise=True,
    )


class _Pause(tenacity.wait.wait_base):
    """Exponential backoff with jitter, or longer where the provider names a time."""

    def __init__(self, first: float) -> None:
        self._own = tenacity.wait_exponential(multiplier=first, max=60.0) + tenacity.wait_random(0.0, first)

    def __call__(self, retry_state: tenacity.RetryCallState) -> float:
        error = retry_state.outcome.exception() if retry_state.outcome else None
        named = error.retry_after if isinstance(error, ModelFault) else None
        return max(self._own(retry_state), named or 0.0)


def _worth_a_retry(error: BaseException) -> bool:
    return isinstance(error, ModelFault) and error.kind == "busy"
