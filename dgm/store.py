"""Small records in a job's folder, written so that they are either whole or absent.

Invariant: what `save` returned from survives a crash of the machine; what it did not, was never there.
"""

from pathlib import Path
from typing import TypeVar

import msgspec

from dgm.durable import place, sync_folder

T = TypeVar("T")


def save(path: Path, record: msgspec.Struct) -> None:
    """Replace `path` by `record`, in one step. Raises `OSError`."""
    place(path, path.with_name(path.name + ".new"), msgspec.json.encode(record), 0o600)
    sync_folder(path.parent)


def load(path: Path, kind: type[T]) -> T | None:
    """The record at `path`; None if there is none, or none that can be read."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except (FileNotFoundError, msgspec.DecodeError):
        return None
