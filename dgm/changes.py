"""How two sources differ, file by file.

Invariant: a pure function of both; what is no text is counted, never shown.
"""

import difflib

from msgspec import Struct

from dgm.files import Files


class FileDiff(Struct, frozen=True):
    """`change`: added, removed, changed, or mode; `diff`: unified, empty for a file that is not text."""

    path: str
    change: str
    diff: str


def differing(old: Files, new: Files) -> list[FileDiff]:
    """The files in which two sources differ, by path."""
    found = []
    for path in sorted(old.keys() | new.keys()):
        before, after = old.get(path), new.get(path)
        if before == after:
            continue
        if before is None or after is None:
            change = "removed" if after is None else "added"
        else:
            change = "changed" if before.data != after.data else "mode"
        diff = unified(path, before.data if before else b"", after.data if after else b"")
        found.append(FileDiff(path, change, diff))
    return found


def unified(path: str, before: bytes, after: bytes) -> str:
    """A unified diff; says so where the contents are not text."""
    try:
        old, new = before.decode().split("\n"), after.decode().split("\n")
    except UnicodeDecodeError:
        return f"(binary: {len(before):,} bytes before, {len(after):,} after)"
    return "\n".join(difflib.unified_diff(old, new, f"a/{path}", f"b/{path}", lineterm=""))
