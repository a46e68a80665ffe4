"""What an agent changed in a folder, told by looking before and after; nothing is copied, and git is never run.

Invariant: links are never followed, and a file that cannot be read is told apart by its size and times.
"""

from __future__ import annotations

import os
import stat
from hashlib import sha1
from typing import Dict, Tuple  # noqa: UP035  # evaluated below, also by Python 3.8

LITTER = ("__pycache__", ".pytest_cache", ".mypy_cache", ".ruff_cache", "node_modules")
READ = 8_000_000
"""Bytes up to which a file is read; a longer one is told apart by size and times."""

Mark = Tuple[object, ...]  # noqa: UP006
Marks = Dict[str, Mark]  # noqa: UP006


def look(folder: str) -> Marks:
    """All files and links below `folder`: the path to what tells one state of it from another."""
    marks = {}
    for here, folders, names in os.walk(folder):
        inside = os.path.relpath(here, folder)
        links = [name for name in folders if os.path.islink(os.path.join(here, name))]
        for name in [*names, *links]:
            path = os.path.normpath(os.path.join(inside, name))
            try:
                marks[path] = _mark(os.path.join(here, name), is_git(path))
            except FileNotFoundError:
                continue
    return marks


def _mark(path: str, by_times: bool) -> Mark:
    status = os.lstat(path)
    kind, mode = stat.S_IFMT(status.st_mode), status.st_mode & 0o777
    if kind == stat.S_IFLNK:
        return kind, os.readlink(path)
    if kind == stat.S_IFREG and status.st_size <= READ and not by_times:
        try:
            with open(path, "rb") as file:
                return kind, mode, _sha1(file.read())
        except OSError:
            pass
    return kind, mode, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def compare(before: Marks, after: Marks) -> list[tuple[str, str]]:
    """(what happened, path) for each file that differs, by path."""
    found = []
    for path in sorted(before.keys() | after.keys()):
        if before.get(path) != after.get(path):
            what = "added" if path not in before else "deleted" if path not in after else "changed"
            found.append((what, path))
    return found


def is_git(path: str) -> bool:
    """Whether `path` lies in what git keeps of its own, where changes may make git run programs."""
    return any(part.lower() == ".git" for part in path.split(os.sep))


def is_litter(path: str) -> bool:
    return path.endswith((".pyc", ".pyo")) or any(part in LITTER for part in path.split(os.sep))


def plain(text: str) -> str:
    """`text` on one line with everything unprintable escaped, so that it cannot control a terminal."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in text)


def digest(folder: str) -> str:
    """The git tree hash of the regular files below `folder`. Raises `OSError`."""
    entries = []
    with os.scandir(folder) as found:
        for entry in found:
            name = os.fsencode(entry.name)
            if entry.is_dir(follow_symlinks=False):
                if below := digest(entry.path):
                    entries.append((name + b"/", b"40000 " + name + b"\0" + bytes.fromhex(below)))
            elif entry.is_file(follow_symlinks=False):
                with open(entry.path, "rb") as file:
                    data = file.read()
                mode = b"100755 " if entry.stat().st_mode & 0o100 else b"100644 "
                entries.append((name, mode + name + b"\0" + _sha1(b"blob %d\0" % len(data) + data)))
    tree = b"".join(entry for _, entry in sorted(entries))
    return _sha1(b"tree %d\0" % len(tree) + tree).hex() if entries else ""


def _sha1(data: bytes) -> bytes:
    return sha1(data).digest()  # noqa: S324  # as git does
