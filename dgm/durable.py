"""Files and folders that are on the disk when the call returns, and the lock that keeps a second writer away.

Invariant: a name appears with its whole content or not at all, whenever the process is killed or the power fails.
"""

import errno
import fcntl
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

ROOM = 100_000_000
"""Bytes that a disk needs for another job to begin: enough for all that are under way to be written down."""
ROOM_FILES = 1_000
"""How many files it needs to take besides."""


class NotWritten(Exception):
    """The disk refused something. All that was recorded earlier is safe, and the run can be resumed."""

    def __init__(self, what: object, error: OSError) -> None:
        mend = "make room" if error.errno in (errno.ENOSPC, errno.EDQUOT) else "put that right"
        super().__init__(
            f"{what} could not be written: {error.strerror or error}. Nothing recorded so far is lost: "
            f"{mend}, then give the same command again."
        )


class ArchiveBusy(Exception):
    """Another process writes this archive. The text says which."""


@contextmanager
def written(what: Path) -> Iterator[None]:
    """Turn an `OSError` into `NotWritten`."""
    try:
        yield
    except OSError as error:
        raise NotWritten(what, error) from error


def shortage(folder: Path) -> str:
    """What is short on the disk of `folder`, and what to do; empty while there is room. Raises `OSError`."""
    disk = os.statvfs(folder)
    free = disk.f_bavail * disk.f_frsize
    if free < ROOM:
        return f"only {free / 1e6:,.1f} MB are free at {folder}: make room, {ROOM / 1e6:.0f} MB at least"
    if disk.f_files and disk.f_favail < ROOM_FILES:
        return f"only {disk.f_favail:,} more files fit on the disk of {folder}: remove some"
    return ""


@contextmanager
def locked(lock: Path) -> Iterator[None]:
    """Hold the file `lock`, as long as this process lives at most. Raises `ArchiveBusy`, `OSError`."""
    handle = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(handle, 300, 0).decode(errors="replace").strip() or "another process"
            raise ArchiveBusy(f"{lock.parent} is being written by {holder}; wait for it, or end it first") from None
        # Only for people to read, so that a full disk does not matter here.
        with suppress(OSError):
            os.ftruncate(handle, 0)
            os.pwrite(handle, f"process {os.getpid()} on {socket.gethostname()}\n".encode(), 0)
        yield
    finally:
        # A process that is just being forked has a copy of the file, and would hold the lock until it execs.
        fcntl.flock(handle, fcntl.LOCK_UN)
        os.close(handle)


def sync_folder(folder: Path) -> None:
    """Make the names in `folder` durable."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def make_folder(path: Path, mode: int = 0o777) -> None:
    """Make `path`, and the folders above it, unless it is there."""
    if not path.exists():
        make_folder(path.parent)
        path.mkdir(mode, exist_ok=True)
        sync_folder(path.parent)


def place(path: Path, temporary: Path, data: bytes, mode: int) -> None:
    """Put a file with `data` at `path`, by way of `temporary`; nothing stays of either where that fails.

    The folder is left to be synced by the caller, who may have more to put there. Raises `OSError`.
    """
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, mode)
    try:
        try:
            write(handle, data)
            os.fsync(handle)
        finally:
            os.close(handle)
        os.rename(temporary, path)
    except OSError as error:
        with suppress(OSError):
            os.unlink(temporary)
        error.filename = error.filename or os.fspath(path)  # writing does not say where
        raise


@contextmanager
def placing(path: Path) -> Iterator[Path]:
    """A file to be written beside `path`, which takes its place once that is done; nothing stays of it where it fails.

    Each process has its own, so of two that write the same the later one wins, whole. Raises `OSError`.
    """
    scratch = path.with_name(f".{path.stem}.{os.getpid()}.part{path.suffix}")
    try:
        yield scratch
        handle = os.open(scratch, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
        scratch.replace(path)
    except OSError as error:
        error.filename = error.filename or os.fspath(path)  # writing does not say where
        raise
    finally:
        scratch.unlink(missing_ok=True)


def write(handle: int, data: bytes) -> None:
    """All of `data`, in one call where the system takes it so. Raises `OSError`."""
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(handle, rest) :]
