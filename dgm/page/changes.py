"""What differs between two sources, as much of it as somebody reads.

Invariant: time and text are bounded, whatever the files hold; what was left out is said in words.
"""

import difflib
from collections.abc import Iterator

from msgspec import Struct

from dgm.alignment import Block, unified
from dgm.files import File, Files
from dgm.text import plain

FILES = 60
"""Files of one change that are listed."""
ALL = 5
"""Times as many lines as of one file are shown of all."""
WIDTH = 400
"""Characters of a line."""
PATIENCE = 4_000_000
"""Pairs of lines that are compared at most, in all files, between the first and the last that differ in each."""


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
    """The files in which two sources differ, by path, each with at most so many `lines`, all with `ALL` times that."""
    paths = [path for path in sorted(old.keys() | new.keys()) if old.get(path) != new.get(path)]
    found: list[Change] = []
    patience, left = PATIENCE, ALL * lines
    for path in paths[:FILES]:
        change, pairs = _change(path, old.get(path), new.get(path), min(lines, left), patience)
        found.append(change)
        patience, left = patience - pairs, left - len(change.lines)
    if len(paths) > FILES:
        found.append(Change("", "more", note=f"and {len(paths) - FILES:,} more files"))
    return found


def _change(path: str, before: File | None, after: File | None, most: int, patience: int) -> tuple[Change, int]:
    """And how many pairs of lines were compared, of `patience` at most."""
    name = plain(path)
    if before is not None and after is not None and before.data == after.data:
        can = "it can be executed now" if after.executable else "it cannot be executed now"
        return Change(name, "mode", note=can), 0
    kind = "removed" if after is None else "added" if before is None else "changed"
    old, new = before.data if before else b"", after.data if after else b""
    try:
        a, b = old.decode().split("\n") if before else [], new.decode().split("\n") if after else []
    except UnicodeDecodeError:
        return Change(name, kind, note=f"not text: {len(old):,} bytes before, {len(new):,} after"), 0
    head = _alike(a, b)
    tail = _alike(a[: head - 1 if head else None : -1], b[: head - 1 if head else None : -1])
    pairs = (len(a) - head - tail) * (len(b) - head - tail)
    if pairs > patience:
        note = f"too long to compare here: {len(a) - head - tail:,} lines became {len(b) - head - tail:,}"
        return Change(name, kind, note=note), 0
    told = list(unified(a, b, _stayed(a, b, head, tail)))
    shown = tuple(plain_line(line if len(line) <= WIDTH else f"{line[:WIDTH]}...") for line in told[:most])
    added, removed = (sum(line[0] == sign for line in told) for sign in "+-")
    left = len(told) - len(shown)
    return Change(name, kind, added, removed, shown, f"{left:,} more lines" if left else ""), pairs


def _alike(a: list[str], b: list[str]) -> int:
    """How many lines at the start are the same."""
    return next((n for n, (old, new) in enumerate(zip(a, b, strict=False)) if old != new), min(len(a), len(b)))


def _stayed(a: list[str], b: list[str], head: int, tail: int) -> Iterator[Block]:
    """The lines that stayed, so many of them at the start and the end."""
    if head:
        yield 0, 0, head
    inner = difflib.SequenceMatcher(None, a[head : len(a) - tail], b[head : len(b) - tail])
    yield from ((i + head, j + head, length) for i, j, length in inner.get_matching_blocks() if length)
    if tail:
        yield len(a) - tail, len(b) - tail, tail


def plain_line(line: str) -> str:
    """`line` with its tabs kept and all else that is unprintable shown."""
    return line if line.isprintable() else "\t".join(map(plain, line.split("\t")))
