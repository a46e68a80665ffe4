"""How the container of an errand is made: no network, no capabilities, no writable root, limits that the kernel keeps.

Invariant: no container has more rights or room than its errand needs, whatever its image asks for.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from docker import APIClient
from docker.types import LogConfig

from dgm.protocols import Errand, SandboxFault
from dgm.sandbox.exchange import MB, warden_command, writes_outside

HOME, DOOR = "/tmp/home", "/door"  # noqa: S108
ENV = {"HOME": HOME, "TMPDIR": "/tmp", "LANG": "C.UTF-8"}  # noqa: S108
NOBODY, ROOT = "65534:65534", "0:0"
OWNER = ("CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID")
"""What root in an image needs so that test suites run as they do elsewhere; it reaches nothing beyond its container."""

KERNEL = 64
"""Threads that a kernel of the container's own may need, as gVisor's does."""


def check_places(errand: Errand, name: str, volumes: Sequence[str]) -> None:
    """Raise `SandboxFault` if the image `name` hides under its `volumes` what the errand is about."""
    for path in (errand.cwd, *errand.take):
        if any(f"{path}/".startswith(f"{one}/") for one in volumes):
            raise SandboxFault(f"{name} makes a volume around {path}, which hides what is there: build it without")


def make(
    engine: APIClient,
    errand: Errand,
    image: str,
    pythons: Sequence[str],
    volumes: Sequence[str],
    labels: Mapping[str, str],
    runtime: str,
    inodes: str,
) -> str:
    """The id of a container of `image` that waits to be started. `pythons`: what to look for in it; `volumes`: what it
    asks for; `inodes`: how many a tmpfs may have, as an option of its mount.

    Raises `SandboxFault`, `DockerException`, `RequestException`.
    """
    limits, outside = errand.limits, writes_outside(errand)
    # A volume has no size limit, and can be written to under a root that cannot.
    room = f"rw,exec,nosuid,nodev,mode=1777,size={limits.disk_mb}m{inodes}"
    host: dict[str, Any] = engine.create_host_config(
        network_mode="none",
        # A task that lives in the image has to be written to where it is, and belongs to root there.
        read_only=not outside,
        cap_add=list(OWNER) if outside else None,
        tmpfs=dict.fromkeys(("/tmp", *volumes), room),  # noqa: S108
        cap_drop=["ALL"],
        security_opt=["no-new-privileges"],
        pids_limit=limits.pids + (KERNEL if runtime else 1),
        mem_limit=limits.memory_mb * MB,
        memswap_limit=limits.memory_mb * MB,
        cpu_period=100_000,
        cpu_quota=max(1_000, int(limits.cpus * 100_000)),
        log_config=LogConfig(type="none"),
        binds=[f"{opened(errand.door)}:{DOOR}:ro"] if errand.door is not None else None,
        runtime=runtime or None,
    )
    made = engine.create_container(
        image,
        entrypoint=warden_command(pythons),
        command=[],
        user=ROOT if outside else NOBODY,
        working_dir="/",
        stdin_open=True,
        hostname="sandbox",
        labels=dict(labels),
        healthcheck={"test": ["NONE"]},
        # The client's own settings may name a proxy, with its password.
        use_config_proxy=False,
        host_config=host,
    )
    return str(made["Id"])


def opened(door: Path) -> Path:
    """The door's folder, made passable for the user that runs in containers."""
    try:
        door.chmod(0o711)
        (door / "model.sock").chmod(0o666)
    except OSError as error:
        raise SandboxFault(f"the door to the model at {door} cannot be opened: {error.strerror}") from error
    return door.resolve()
