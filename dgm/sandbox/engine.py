"""The container engine that `DOCKER_HOST` names: how it is reached, and what is made of its failures.

Invariant: whatever an engine does wrong becomes a `SandboxFault` that names it and says what to do.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from socket import AF_UNIX, socket
from typing import Any

from docker import APIClient
from docker.errors import DockerException, ImageNotFound
from docker.utils import kwargs_from_env
from requests.exceptions import RequestException

from dgm.protocols import SandboxFault

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
        return str(engine.inspect_image(image)["Id"])  # type: ignore[no-untyped-call]
    except ImageNotFound:
        return None


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
