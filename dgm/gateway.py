"""The only door to a model: each job gets one, a unix socket that speaks OpenAI's wire format, without a key.

Invariant: all doors of a run share one purse, and when the gateway is closed none is left open.
"""

import fcntl
import os
import shutil
import tempfile
import threading
from collections.abc import Collection, Mapping
from contextlib import suppress
from pathlib import Path

from dgm.config import ModelConfig, Role
from dgm.door import Door, Route
from dgm.jobs import AgentId, JobId
from dgm.protocols import Model
from dgm.spending import FREE, Spending, price_of

PREFIX = "dgm-doors-"
LONGEST_FOLDER = 50
"""Bytes of the temporary folder's path, beyond which /tmp is used: the kernel takes about 100 for that of a socket."""


class Gateway:
    """Opens doors. Thread-safe.

    secrets: never written to a transcript nor sent to an agent. backoff: seconds before the first retry, doubled with
    each. Raises `ConfigError` if the price of a model is unknown.
    """

    def __init__(
        self,
        models: Mapping[Role, tuple[ModelConfig, Model]],
        spending: Spending,
        *,
        secrets: Collection[str] = (),
        backoff: float = 1.0,
    ) -> None:
        self._routes = {
            role: Route(config, model, price_of(config, model), spending, frozenset(secrets), backoff, role)
            for role, (config, model) in models.items()
        }
        self._spending = spending
        self._lock = threading.Lock()
        self._doors: set[Door] = set()
        self._opened = 0
        self._root = _Root()

    @property
    def free(self) -> bool:
        """Whether no call costs anything, so that no cap can be reached."""
        return all(route.price == FREE for route in self._routes.values())

    @property
    def usd(self) -> float:
        """All dollars booked in this run so far."""
        return self._spending.usd

    def open(self, job: JobId, agent: AgentId, role: Role, folder: Path) -> Door:
        """A door for `job`, charged to `agent`, whose calls are recorded in `folder`; close it, or use it in a `with`.

        Raises `OSError` if the folder cannot be written, or already belongs to an open door.
        """
        with self._lock:
            self._opened += 1
            door = Door(self._routes[role], job, agent, self._root.path / str(self._opened), folder, self._forget)
            self._doors.add(door)
            return door

    def _forget(self, door: Door) -> None:
        with self._lock:
            self._doors.discard(door)

    def cancel(self, job: JobId | None = None) -> None:
        """Shut the open doors of `job`, or all, so that it ends as interrupted; calls under way are booked in full."""
        with self._lock:
            doors = [door for door in self._doors if job in (None, door.job)]
        for door in doors:
            door.cancel()

    def close(self) -> None:
        """Shut all doors for good."""
        self.cancel()
        self._root.close()

    def __enter__(self) -> "Gateway":
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()


class _Root:
    """A private folder for the doors, locked while this process lives; those of dead ones are swept up."""

    def __init__(self) -> None:
        usual = tempfile.gettempdir()
        above = Path(usual if len(usual.encode()) < LONGEST_FOLDER else "/tmp")  # noqa: S108
        for other in above.glob(f"{PREFIX}*"):
            _sweep(other)
        self.path, self._lock = _claim(above)

    def close(self) -> None:
        shutil.rmtree(self.path, ignore_errors=True)
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def _claim(above: Path) -> tuple[Path, int | None]:
    """A new folder and the lock on it. Another driver may sweep it up before it is locked; then there is a next one."""
    while True:
        path = Path(tempfile.mkdtemp(prefix=PREFIX, dir=above))
        with suppress(FileNotFoundError):
            lock = os.open(path, os.O_RDONLY)
            fcntl.flock(lock, fcntl.LOCK_SH)
            if path.exists():
                return path, lock
            os.close(lock)


def _sweep(folder: Path) -> None:
    """Remove `folder` if it is ours and nobody holds it."""
    with suppress(OSError):
        lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        try:
            if os.fstat(lock).st_uid == os.getuid():
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
        finally:
            os.close(lock)
