"""What was paid for once, kept for all runs of this machine: the files of a verdict under a digest of all that it
depends on.

Invariant: an entry is read as it was written, or not at all. Losing any of them only costs what it had cost before.
"""

import os
import threading
import time
import zlib
from collections.abc import Mapping
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

import msgspec
from msgspec import Struct

from dgm.durable import make_folder, place, sync_folder

MOST_BYTES = 1_000_000_000
"""What all entries may take; beyond it, those that were not used for the longest time go."""
STALE = 86_400.0
"""Seconds after which a file that is still being written never will be whole."""


class Kept(Struct, frozen=True):
    """One entry. `at`: seconds since 1970; `origin`: the run and the job that paid for it."""

    key: str
    at: float
    origin: str
    files: Mapping[str, bytes]

    @property
    def words(self) -> str:
        return f"{time.strftime('%Y-%m-%d %H:%M', time.gmtime(self.at))} UTC by {self.origin}"


def key_of(parts: object) -> str:
    """A digest of `parts`, any values: equal if they are."""
    return sha256(msgspec.json.encode(parts, order="deterministic")).hexdigest()


class Results:
    """The entries in `folder`. Many threads and processes may use it at once: the last to write an entry wins."""

    def __init__(self, folder: Path, origin: str, most_bytes: int = MOST_BYTES) -> None:
        """`origin`: what the entries of this run say of where they come from."""
        self.folder = folder
        self.origin = origin
        self.most_bytes = most_bytes

    def get(self, key: str) -> Kept | None:
        """The entry for `key`; None if there is none, or none that is whole and means this key."""
        path = self.folder / key
        try:
            data = path.read_bytes()
            kept = msgspec.msgpack.decode(zlib.decompress(data[32:]), type=Kept) if proven(data) else None
        except (OSError, zlib.error, msgspec.DecodeError):
            return None
        if kept is None or kept.key != key:
            return None
        with suppress(OSError):
            os.utime(path)
        return kept

    def put(self, key: str, files: Mapping[str, bytes], job: int) -> None:
        """Keep `files` for `key`. Raises `OSError`; then there is no entry, or the one that there was."""
        kept = Kept(key, time.time(), f"job {job} of {self.origin}", files)
        packed = zlib.compress(msgspec.msgpack.encode(kept))
        make_folder(self.folder, 0o700)
        temporary = self.folder / f"{key}.{os.getpid()}-{threading.get_ident()}.new"
        place(self.folder / key, temporary, sha256(packed).digest() + packed, 0o600)
        sync_folder(self.folder)
        self.trim()

    def trim(self) -> None:
        """Remove what was not used for the longest time, as far as there is too much of it."""
        found = []
        for entry in os.scandir(self.folder):
            with suppress(FileNotFoundError):  # another process trims as well
                status = entry.stat(follow_symlinks=False)
                found.append((status.st_mtime, status.st_size, entry.path))
        now, total = time.time(), sum(size for _, size, _ in found)
        for used, size, path in sorted(found):
            torn = path.endswith(".new")
            if (torn and used + STALE < now) or (not torn and total > self.most_bytes):
                Path(path).unlink(missing_ok=True)
                total -= size


def proven(data: bytes) -> bool:
    """Whether the digest at its head is that of the rest."""
    return sha256(data[32:]).digest() == data[:32]
