"""The container engine that `DOCKER_HOST` names: how it is reached, and what is made of its failures.

Invariant: whatever an engine does wrong becomes a `SandboxFault` that names it and says what to do.
"""

import json
import os
import struct
from base64 import b64decode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from posixpath import normpath
from socket import AF_UNIX, socket
from threading import Event
from typing import Any

from docker import APIClient
from docker.errors import DockerException, ImageNotFound
from docker.utils import kwargs_from_env
from requests.exceptions import RequestException

from dgm.protocols import Errand, SandboxFault
from dgm.sandbox.exchange import MB, writes_outside

API_SECONDS = 60
"""An engine that is silent for longer is taken for gone."""


def connect() -> APIClient:
    """A client of the engine that `DOCKER_HOST` names, or of the usual one. Raises `SandboxFault` if none answers."""
    with faults("connecting"):
        reach()
        return APIClient(**kwargs_from_env(), version="auto", timeout=API_SECONDS, num_pools=4, max_pool_size=256)


def holds(engine: APIClient, image: str) -> str | None:
    """The id of `image`, a digest of its content, if the engine has it; nothing is pulled. Raises `DockerException`,
    `RequestException`."""
    try:
        return str(inspected(engine, image)["Id"])
    except ImageNotFound:
        return None


def inspected(engine: APIClient, image: str) -> dict[str, Any]:
    """All that the engine knows of an image. Raises `ImageNotFound`, `DockerException`, `RequestException`."""
    found: dict[str, Any] = engine.inspect_image(image)  # type: ignore[no-untyped-call]
    return found


def volumes(engine: APIClient, image: str) -> list[str]:
    """The folders for which `image` asks for a volume. Raises as `inspected` does."""
    return sorted({normpath(path) for path in inspected(engine, image)["Config"].get("Volumes") or ()})


def laid_over(engine: APIClient, container: str) -> int:
    """Bytes in the files that the engine lays over those of the image, which it does not count as written. Raises
    `RequestException`."""
    total = 0
    for path in ("/etc/hosts", "/etc/hostname", "/etc/resolv.conf"):
        url = f"{engine.base_url}/v{engine.api_version}/containers/{container}/archive"
        found = engine.head(url, params={"path": path}, timeout=API_SECONDS)
        if found.ok:
            total += int(json.loads(b64decode(found.headers["X-Docker-Container-Path-Stat"]))["size"])
    return total


def unlimited(info: Mapping[str, Any]) -> list[str]:
    """What the engine cannot limit, by what it says of itself; it may say nothing."""
    limits = {"MemoryLimit": "memory", "PidsLimit": "processes", "CpuCfsQuota": "cpu"}
    return [name for key, name in limits.items() if info.get(key) is False]


def is_podman(engine: APIClient) -> bool:
    """Whether the engine is podman behind Docker's interface. Raises `DockerException`, `RequestException`."""
    return any("podman" in part.get("Name", "").lower() for part in engine.version().get("Components") or ())


def reach() -> None:
    """Raise `OSError` if nobody listens where the engine should be. The library would leave the socket of such an
    attempt open, and its error hardly says what is wrong."""
    if address().startswith("unix://"):
        with socket(AF_UNIX) as trial:
            trial.connect(address().removeprefix("unix://"))


def address() -> str:
    return os.environ.get("DOCKER_HOST") or "unix:///var/run/docker.sock"


@contextmanager
def faults(doing: str) -> Iterator[None]:
    """Turn what a failing engine raises into a `SandboxFault`."""
    try:
        yield
    except (DockerException, RequestException, OSError) as error:
        raise SandboxFault(
            f"the Docker engine at {address()} failed while {doing}: {getattr(error, 'explanation', None) or error}. "
            "Start one, or name one that runs in DOCKER_HOST; `docker info` tells whether it answers"
        ) from error


class Stream:
    """Takes apart the engine's stream of a container's standard output and error: frames of at most 4 GB, each after
    eight bytes that give its kind and length."""

    def __init__(self, most: int) -> None:
        self.out, self.err, self.full = bytearray(), bytearray(), False
        self._most, self._frame, self._left, self._kind = most, bytearray(), 0, 0

    def add(self, data: bytes) -> bool:
        """Whether there is room for more."""
        at = 0
        while at < len(data):
            if self._left == 0:
                piece = data[at : at + 8 - len(self._frame)]
                self._frame += piece
                at += len(piece)
                if len(self._frame) == 8:
                    self._kind, self._left = struct.unpack(">BxxxI", self._frame)
                    self._frame.clear()
                continue
            piece = data[at : at + self._left]
            at += len(piece)
            self._left -= len(piece)
            (self.out if self._kind == 1 else self.err).extend(piece)
        self.full = len(self.out) + len(self.err) > self._most
        return not self.full


class Watch:
    """Looked at whenever a container has been silent for a while."""

    def __init__(self, engine: APIClient, container: str, errand: Errand, cancelled: Event) -> None:
        self.full = False
        self._engine, self._container, self._most = engine, container, errand.limits.disk_mb * MB
        self._writable, self._cancelled = writes_outside(errand), cancelled

    def look(self) -> bool:
        """Whether the container may go on."""
        if self._writable:
            # A writable root has no size limit of its own: file systems know no quota.
            found = self._engine.containers(size=True, filters={"id": self._container})
            size = sum(one.get("SizeRw") or 0 for one in found) + laid_over(self._engine, self._container)
            self.full = size > self._most
        return not self.full and not self._cancelled.is_set()
