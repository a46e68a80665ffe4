"""A folder that others have written, read with care.

Invariant: only regular files below it are read, up to a size; no link is followed; names are plain words.
"""

import json
import os
import re
import stat
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

from dgm.text import count

MB = 1_000_000
LARGEST, TAIL = 32 * MB, 32 * MB
"""Bytes of one file, and of a log: only its end is needed, since each entry holds all agents so far."""
REPORTS = 200
NAME = re.compile(r"[A-Za-z0-9][\w.+-]{0,199}", re.ASCII)
"""What agents and tasks may be called."""


def ids_in(value: object, remarks: list[str]) -> Iterator[str]:
    """The names of tasks in `value`, if it is a list of some."""
    if not isinstance(value, list):
        return
    bad = 0
    for id in value[:100_000]:
        if isinstance(id, str) and NAME.fullmatch(id):
            yield id
        else:
            bad += 1
    if bad:
        remarks.append(f"{count(bad, 'id')} of tasks that are none")


class Folder:
    """Reads below one folder, and keeps the digest of what it read."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.digest = sha256()
        self.remarks: list[str] = []

    def has(self, path: str) -> bool:
        try:
            return stat.S_ISREG((self.folder / path).lstat().st_mode)
        except OSError:
            return False

    def bytes(self, path: str, most: int = LARGEST, tail: bool = False) -> bytes | None:
        """The content of a regular file; None where there is none. Of one that is too large, the tail or nothing."""
        try:
            handle = os.open(self.folder / path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        except OSError as error:
            self.remarks.append(f"{path} cannot be read: {error.strerror}")
            return None
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode):
            os.close(handle)
            self.remarks.append(f"{path} is no regular file")
            return None
        with open(handle, "rb") as file:
            if status.st_size > most and not tail:
                self.remarks.append(f"{path} is too large: {status.st_size:,} bytes, {most:,} are read at most")
                return None
            file.seek(max(0, status.st_size - most))
            data = file.read(most)
        self.digest.update(f"{path}\0{len(data)}\0".encode() + data)
        return data

    def json(self, path: str) -> Any:
        try:
            return json.loads(self.bytes(path) or b"")
        except (ValueError, RecursionError):
            return None

    def entries(self, path: str) -> Iterator[dict[str, Any]]:
        """The objects that stand one after the other in a file, from its last part if it is long; torn ones less."""
        text = (self.bytes(path, TAIL, tail=True) or b"").decode(errors="replace")
        decoder, torn = json.JSONDecoder(), 0
        at = 0 if text.startswith("{") else text.find("\n{") + 1 or len(text)
        while 0 <= at < len(text):
            try:
                entry, end = decoder.raw_decode(text, at)
            except (ValueError, RecursionError):
                torn, end = torn + 1, at + 1
            else:
                if isinstance(entry, dict):
                    yield entry
            at = text.find("\n{", max(end - 1, 0)) + 1 or len(text)
        if torn:
            self.remarks.append(f"{path}: {count(torn, 'entry')} torn or damaged, and left out")

    def submitted(self, agent: str) -> set[str]:
        """The tasks without an outcome that the reports in an agent's folder name."""
        found: set[str] = set()
        names = sorted(e.name for e in os.scandir(self.folder / agent) if e.name.endswith(".json"))
        for name in [one for one in names if one != "metadata.json"][:REPORTS]:
            report = self.json(f"{agent}/{name}")
            if isinstance(report, dict):
                for key in ("error_ids", "submitted_ids"):  # `incomplete_ids` were never tried
                    found.update(ids_in(report.get(key), []))
        return found
