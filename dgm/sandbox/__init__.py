"""Where untrusted code runs: the choice between Docker and plain processes.

Invariant: code of a real model never runs outside of a container unless the settings say so in as many words.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import sha1

from dgm.cache import cache_folder
from dgm.config import SandboxConfig
from dgm.protocols import Sandbox, SandboxFault

__all__ = ["Unavailable", "open_sandbox", "own_id", "tidied"]


class Unavailable(SandboxFault):
    """An image that cannot be had here: no registry has it, or what it is made of is missing."""


def open_sandbox(config: SandboxConfig, run_id: str, simulated: bool) -> Sandbox:
    """The sandbox that `config` asks for. Its `note` says, for people, why `auto` fell back to the local one.

    Raises `SandboxFault`, which says what to do: no engine or image where Docker is asked for or needed, or plain
    processes for a real model that the settings do not allow.
    """
    if config.kind == "local":
        return _local(config, run_id, simulated, "")
    from dgm.sandbox.docker import DockerSandbox

    docker = DockerSandbox(run_id, config)
    try:
        docker.ready()
    except SandboxFault as fault:
        docker.close()
        if config.kind == "docker":
            raise
        return _local(config, run_id, simulated, f"no Docker sandbox: {fault}")
    return docker


def _local(config: SandboxConfig, run_id: str, simulated: bool, note: str) -> Sandbox:
    if not simulated and not config.local_with_real_models:
        raise SandboxFault(
            f"{note or 'sandbox.kind is local'}. Agents of a real model run in containers only: make Docker usable, "
            "or set sandbox.local_with_real_models = true on a machine that you can afford to lose"
        )
    from dgm.sandbox.local import LocalSandbox

    return LocalSandbox(run_id, note=note)


def own_id(command: str) -> str:
    """A name for all that `command` leaves behind with this machine's cache. Raises `OSError`."""
    return f"{command}_{sha1(bytes(cache_folder()), usedforsecurity=False).hexdigest()[:12]}"


@contextmanager
def tidied(sandbox: Sandbox, doing: str) -> Iterator[None]:
    """Remove what killed processes left behind, unless another one is `doing` the same, to whom it may belong. Raises
    `OSError`, `SandboxFault`."""
    handle = os.open(cache_folder() / doing, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        with suppress(BlockingIOError):
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            sandbox.reap()
        fcntl.flock(handle, fcntl.LOCK_SH)
        yield
    finally:
        os.close(handle)
