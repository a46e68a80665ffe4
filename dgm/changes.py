"""How two sources differ, file by file.

Invariant: a pure function of both; what is no text is counted, never shown.
"""

from collections.abc import Iterator

from msgspec import Struct

from dgm import alignment
from dgm.alignment import matches
from dgm.files import File, Files


class FileDiff(Struct, frozen=True):
    """`change`: added, removed, changed, or mode; `diff`: unified, empty for a file that is not text."""

    path: str
    change: str
    diff: str


def differing(old: Files, new: Files) -> list[FileDiff]:
    """The files in which two sources differ, by path."""
    return [
        FileDiff(path, change, unified(path, before.data if before else b"", after.data if after else b""))
        for path, change, before, after in changes(old, new)
    ]


def changes(old: Files, new: Files) -> Iterator[tuple[str, str, File | None, File | None]]:
    """The files in which two sources differ, by path: path, change (as in `FileDiff`), before, after."""
    for path in sorted(old.keys() | new.keys()):
        before, after = old.get(path), new.get(path)
        if before is None or after is None:
            yield path, "removed" if after is None else "added", before, after
        elif before != after:
            yield path, "changed" if before.data != after.data else "mode", before, after


def unified(path: str, before: bytes, after: bytes) -> str:
    """A unified diff; says so where the contents are not text."""
    try:
        old, new = before.decode().split("\n"), after.decode().split("\n")
    except UnicodeDecodeError:
        return f"(binary: {len(before):,} bytes before, {len(after):,} after)"
    lines = list(alignment.unified(old, new, matches(old, new)))
    return "\n".join([f"--- a/{path}", f"+++ b/{path}", *lines]) if lines else ""
