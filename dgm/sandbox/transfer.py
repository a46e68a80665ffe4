"""Pulls and builds: orders to the engine that take minutes, tell of their progress, and can be ended at any time.

Invariant: an order ends within about a second of being cancelled; what a registry refuses is told apart from what may
work when it is tried again.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from queue import Empty, Queue
from threading import Event, Thread
from time import monotonic
from typing import Any

import tenacity
from docker import APIClient
from docker.errors import DockerException, ImageNotFound
from docker.utils import parse_repository_tag
from requests.exceptions import RequestException

from dgm.protocols import Cancelled, SandboxFault
from dgm.sandbox import Unavailable
from dgm.sandbox.engine import connect

TRIES = 4
PULL_SILENCE, BUILD_SILENCE = 300.0, 3600.0
"""Seconds without a word after which a pull or a build is given up; compilers may be silent for long."""
EVERY = 10.0
"""Seconds between two words about progress."""
REFUSED = re.compile(
    r"manifest unknown|manifest for .* not found|repository .* not found|name unknown|access.* denied|denied:"
    r"|unauthorized|no matching manifest|invalid reference|not found: does not exist|repository name",
    re.IGNORECASE,
)
"""What engines and registries say of an image that cannot be had however often one asks."""
FULL = "no space left on device"

Told = Mapping[str, Any] | Exception | None
"""What the engine says, why it does not, or that it has said all."""
Look = Callable[[str], None]
"""Called about twice a second, with something to tell or nothing; it ends the order by raising."""


class Interrupted(SandboxFault):
    """The order may work when it is given again."""


class Failed(Interrupted):
    """The engine did what it was told and reports that it failed."""


def pull(source: str, look: Look, cancelled: Event) -> None:
    """Pull `source`, a name with or without a digest; several times where the way to the registry fails.

    Raises `Unavailable`, `SandboxFault`, `Cancelled`, and what `look` raises.
    """
    repository, tag = parse_repository_tag(source)

    def order(engine: APIClient) -> Any:
        return engine.pull(repository, tag=tag or "latest", stream=True, decode=True)

    def retrying(state: tenacity.RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        again = state.attempt_number + 1
        look(f"{error}; trying again" if again == 2 else f"trying again, {again} of {TRIES}")

    trying = tenacity.Retrying(
        retry=tenacity.retry_if_exception_type(Interrupted),
        wait=tenacity.wait_exponential(multiplier=2, max=60) + tenacity.wait_random(0, 1),
        stop=tenacity.stop_after_attempt(TRIES),
        sleep=tenacity.sleep_using_event(cancelled),
        before_sleep=retrying,
        reraise=True,
    )
    try:
        trying(lambda: _follow(f"{source} cannot be pulled", order, Pulling(), look, cancelled, PULL_SILENCE))
    except Interrupted as error:
        raise SandboxFault(
            f"{error}. The engine has to reach the registry, by its own network, proxy or mirror: mend that and "
            "prepare again, or bring the image here by `docker save` elsewhere and `docker load`"
        ) from error


def build(
    name: str,
    recipe: Path,
    labels: Mapping[str, str],
    args: Mapping[str, str],
    network: str,
    look: Look,
    cancelled: Event,
) -> None:
    """Build `name` from the Dockerfile in the folder `recipe`. Raises as `pull` does."""

    def order(engine: APIClient) -> Any:
        return engine.build(
            path=str(recipe),
            tag=name,
            labels=dict(labels),
            buildargs=dict(args),
            network_mode=network or None,
            rm=True,
            forcerm=True,
            decode=True,
        )

    building = Building()
    try:
        what = f"{name} cannot be built (sandbox.build_args sets its base and mirrors)"
        _follow(what, order, building, look, cancelled, BUILD_SILENCE)
    except Failed as error:
        raise Unavailable(f"{error}. {building.last()}".strip()) from error


class Pulling:
    """What a pull has told of its layers."""

    def __init__(self) -> None:
        self._layers: dict[str, tuple[int, int]] = {}

    def add(self, message: Mapping[str, Any]) -> None:
        detail = message.get("progressDetail") or {}
        if message.get("status") == "Downloading" and detail.get("total"):
            self._layers[str(message.get("id"))] = int(detail.get("current") or 0), int(detail["total"])
        elif message.get("status") in ("Download complete", "Pull complete"):
            total = self._layers.get(str(message.get("id")), (0, 0))[1]
            self._layers[str(message.get("id"))] = total, total

    def word(self) -> str:
        done, total = (sum(sizes) for sizes in zip(*self._layers.values(), strict=True)) if self._layers else (0, 0)
        return f"{done / 1e6:,.0f} of {total / 1e6:,.0f} MB so far"


class Building:
    """The end of what a build has printed."""

    def __init__(self) -> None:
        self._text = ""

    def add(self, message: Mapping[str, Any]) -> None:
        self._text = (self._text + str(message.get("stream") or ""))[-4_000:]

    def word(self) -> str:
        lines = self._text.split("\n")
        return next((line[:160] for line in reversed(lines) if line.strip()), "")

    def last(self) -> str:
        return self._text[-1_000:]


def _follow(
    what: str,
    order: Callable[[APIClient], Any],
    progress: Pulling | Building,
    look: Look,
    cancelled: Event,
    silence: float,
) -> None:
    """Give the order and follow it to its end."""
    messages: Queue[Told] = Queue()
    over = Event()
    # Reading cannot be interrupted, so it has a thread of its own, which the process does not wait for.
    Thread(target=_read, args=(order, messages, over), daemon=True).start()
    heard = told = monotonic()
    try:
        while True:
            if cancelled.is_set():
                raise Cancelled(f"{what}: it was cancelled")
            try:
                message = messages.get(timeout=0.5)
            except Empty:
                if monotonic() > heard + silence:
                    raise Interrupted(f"{what}: the engine said nothing for {silence:.0f} s") from None
            else:
                if message is None:
                    return
                heard = monotonic()
                if isinstance(message, Exception) or message.get("error"):
                    raise _fault(what, message)
                progress.add(message)
            if messages.empty():
                now = monotonic()
                look(progress.word() if now > told + EVERY else "")
                told = now if now > told + EVERY else told
    finally:
        over.set()


def _read(order: Callable[[APIClient], Any], messages: "Queue[Told]", over: Event) -> None:
    """Put what the engine tells into `messages`, then None; the engine ends an order that nobody listens to."""
    try:
        engine = connect()
        try:
            for message in _until(order(engine), over):
                messages.put(message)
        finally:
            engine.close()
    except (DockerException, RequestException, OSError, SandboxFault, ValueError) as error:
        messages.put(error)
    else:
        messages.put(None)


def _until(stream: Iterator[Mapping[str, Any]], over: Event) -> Iterator[Mapping[str, Any]]:
    for message in stream:
        if over.is_set():
            return
        yield message


def _fault(what: str, message: Mapping[str, Any] | Exception) -> SandboxFault:
    if isinstance(message, Exception):
        kind, text = Interrupted, str(getattr(message, "explanation", None) or message)
    else:
        kind, text = Failed, str(message["error"])
    text = text.strip()[:1_000]
    if isinstance(message, ImageNotFound) or REFUSED.search(text):
        return Unavailable(f"{what}: {text}. Is the name right, and is `docker login` needed?")
    if FULL in text:
        return SandboxFault(f"{what}: {text}. Make room on the engine's disk")
    return kind(f"{what}: {text}")
