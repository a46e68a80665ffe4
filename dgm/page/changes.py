"""What differs between two sources, as much of it as somebody reads.

Invariant: time and text are bounded, whatever the files hold; what was left out is said in words.
"""

import difflib
import re
from collections.abc import Iterator

from msgspec import Struct

from dgm.files import File, Files
from dgm.text import plain

FILES = 60
"""Files of one change that are listed."""
WIDTH = 400
"""Characters of a line."""
AROUND = 3
"""Lines that are shown around a change."""
PATIENCE = 4_000_000
"""Pairs of lines that are compared at most, between the first and the last that differ; a diff may need all."""


class Change(Struct, frozen=True, gc=False):
    """A file that differs. `change`: added, removed, changed, mode, or more (of the files that are not listed);
    `lines`: of a unified diff, without its head; `note`: what is not shown, and why."""

    path: str
    change: str
    added: int = 0
    removed: int = 0
    lines: tuple[str, ...] = ()
    note: str = ""


def changes(old: Files, new: Files, lines: int) -> list[Change]:
    """The files in which two sources differ, by path, each with at most so many `lines`."""
    paths = [path for path in sorted(old.keys() | new.keys()) if old.get(path) != new.get(path)]
    found = [_change(path, old.get(path), new.get(path), lines) for path in paths[:FILES]]
    if len(paths) > FILES:
        found.append(Change("", "more", note=f"and {len(paths) - FILES:,} more files"))
    return found


def _change(path: str, before: File | None, after: File | None, most: int) -> Change:
    name = plain(path)
    if before is not None and after is not None and before.data == after.data:
        return Change(name, "mode", note="it can be executed now" if after.executable else "it cannot be executed now")
    kind = "removed" if after is None else "added" if before is None else "changed"
    old, new = before.data if before else b"", after.data if after else b""
    try:
        a, b = old.decode().split("\n") if before else [], new.decode().split("\n") if after else []
    except UnicodeDecodeError:
        return Change(name, kind, note=f"not text: {len(old):,} bytes before, {len(new):,} after")
    skipped = _alike(a, b)
    a, b = a[skipped:], b[skipped:]
    left = _alike(a[::-1], b[::-1])
    a, b = a[: len(a) - left], b[: len(b) - left]
    if len(a) * len(b) > PATIENCE:
        note = f"too long to compare here: {len(a):,} lines before, {len(b):,} after"
        return Change(name, kind, note=note)
    added = removed = 0
    shown: list[str] = []
    total = 0
    for line in _unified(a, b, skipped):
        added += line[0] == "+"
        removed += line[0] == "-"
        total += 1
        if len(shown) < most:
            shown.append(line if len(line) <= WIDTH else f"{line[:WIDTH]}...")
    left = total - len(shown)
    note = f"{left:,} more lines" if left else ""
    return Change(name, kind, added, removed, tuple(map(plain_line, shown)), note)


def _alike(a: list[str], b: list[str]) -> int:
    """How many lines at the start are the same, less those that are shown around a change."""
    same = next((n for n, (old, new) in enumerate(zip(a, b, strict=False)) if old != new), min(len(a), len(b)))
    return max(same - AROUND, 0)


def _unified(a: list[str], b: list[str], skipped: int) -> Iterator[str]:
    """A unified diff without its head, of files that have so many more lines before."""
    for number, line in enumerate(difflib.unified_diff(a, b, lineterm="", n=AROUND)):
        if line.startswith("@@"):
            yield re.sub(r"(?<=[-+])\d+", lambda match: str(int(match[0]) + skipped), line)
        elif number > 1:  # after the two lines with the names
            yield line


def plain_line(line: str) -> str:
    """`line` with its tabs kept and all else that is unprintable shown."""
    return line if line.isprintable() else "\t".join(map(plain, line.split("\t")))
