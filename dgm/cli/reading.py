"""Opening an archive to read it, also while its driver writes it.

Invariant: reading takes no lock and changes nothing, so it can never disturb a run.
"""

import gc
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from dgm.archive import LOCK, LOG, Reader
from dgm.events import AnyEvent

VARIABLE = "DGM_ARCHIVE"
DEFAULT = Path("archive/run")


def archive_folder(given: Path | None) -> Path:
    """The archive that is meant: the option, else the environment variable, else the default."""
    return given or Path(os.environ.get(VARIABLE) or DEFAULT)


def settings_environ() -> dict[str, str]:
    """The environment as `dgm.settings` takes it, without the variables that are no settings."""
    return {name: value for name, value in os.environ.items() if name != VARIABLE}


def open_reader(given: Path | None, tell: Callable[[AnyEvent], object] | None = None) -> Reader:
    """`tell` is called with each event of the log. Raises `NoArchive`, `Damaged`."""
    with _without_gc():
        return Reader(archive_folder(given), tell)


@contextmanager
def _without_gc() -> Iterator[None]:
    """A fold makes many objects and no garbage; looking for some, meanwhile or as the process ends, would cost time."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def driven(archive: Path) -> bool | None:
    """Whether a process of this machine writes `archive` now, told by its lock without touching it; None: unknown."""
    try:
        inode = (archive / LOCK).stat().st_ino
        held = Path("/proc/locks").read_text()
    except FileNotFoundError:
        return None if (archive / LOG).exists() and not Path("/proc/locks").exists() else False
    except OSError:
        return None
    return any(f":{inode} " in line for line in held.splitlines() if " FLOCK " in line)
