"""Patches in git's format, applied to source trees as values.

Invariant: strict. A patch is applied as a whole or refused; each line that it names must be there, at the place that it
names or at the only other place near it where its lines stand. No program is run and no file is touched.
"""

import re
from collections.abc import Iterator

from msgspec import Struct

from dgm.files import BadFiles, File, Files, check_path, checked, patched, without_litter

HUNK = re.compile(rb"@@ -(\d{1,9})(?:,(\d{1,9}))? \+(\d{1,9})(?:,(\d{1,9}))? @@")
ESCAPED = re.compile(rb"\\([abtnvfr\"\\]|[0-3][0-7]{2})")
ESCAPES = dict(zip(b'abtnvfr"\\', b'\a\b\t\n\v\f\r"\\', strict=True))
NOWHERE = "/dev/null"
NEAR = 1_000
"""Lines by which a hunk may be off."""


class BadPatch(ValueError):
    """A patch that cannot be applied faithfully. The text says where, and why."""


class Applied(Struct, frozen=True):
    """`skipped`: what of the patch has no place in a source tree, as (path, reason)."""

    files: Files
    skipped: tuple[tuple[str, str], ...]


class _Hunk(Struct):
    """Lines without their marks, line ends included. `start`: from 1, in the old file."""

    start: int
    old: list[bytes]
    new: list[bytes]


class _Change(Struct):
    """What a patch does with one file. A `mode` is None where it stays as it is."""

    old: str | None = None
    new: str | None = None
    mode: bytes | None = None
    created: bool = False
    deleted: bool = False
    copied: bool = False
    binary: bool = False
    hunks: list[_Hunk] = []


def apply(files: Files, patch: bytes) -> Applied:
    """`files` after `patch`. Binary files, links and compiled files are skipped. Raises `BadPatch`, `BadFiles`."""
    gone, put, skipped = set[str](), dict[str, File](), []
    for change in _changes(patch):
        path = change.new or change.old
        if path is None:
            raise BadPatch("a part of it names no file")
        if reason := _unfit(path, change):
            skipped.append((path, reason))
        else:
            gone |= {change.old} if change.old and not (change.created or change.copied) else set()
            put |= _put(files, gone, change)
    return Applied(checked(patched(files, put, gone)), tuple(skipped))


def _unfit(path: str, change: _Change) -> str | None:
    if change.binary:
        return "binary, and its content is not in the patch"
    if change.mode not in (None, b"100644", b"100755"):
        return "no regular file"
    return None if without_litter({path: File(b"")}) else "compiled, or a cache"


def _put(files: Files, gone: set[str], change: _Change) -> Files:
    """What `change` writes. All parts of a patch speak of the files as they were before it, so names may be swapped."""
    for path in (change.old, change.new):
        if path is not None:
            check_path(path)
    old = None if change.created or change.old is None else files.get(change.old)
    if old is None and not change.created:
        raise BadPatch(f"{change.old!r} is not there")
    if change.created and change.new in files and change.new not in gone:
        raise BadPatch(f"{change.new!r} is there already")
    data = _patched(old.data if old else b"", change)
    if change.deleted and data:
        raise BadPatch(f"{change.old!r} is to be deleted, but holds more than the patch knows")
    if change.deleted or change.new is None:
        return {}
    executable = change.mode == b"100755" if change.mode else bool(old and old.executable)
    return {change.new: File(data, executable)}


def _patched(data: bytes, change: _Change) -> bytes:
    if not change.hunks:
        return data
    lines, made, at = _lines(data), list[bytes](), 0
    for number, hunk in enumerate(change.hunks, 1):
        start = _place(lines, hunk, at)
        if start is None:
            raise BadPatch(f"{change.old!r}: hunk {number} does not fit")
        made += [*lines[at:start], *hunk.new]
        at = start + len(hunk.old)
    return b"".join([*made, *lines[at:]])


def _lines(data: bytes) -> list[bytes]:
    """Lines as a patch knows them: only a line feed ends one."""
    parts = data.split(b"\n")
    return [part + b"\n" for part in parts[:-1]] + ([parts[-1]] if parts[-1] else [])


def _place(lines: list[bytes], hunk: _Hunk, least: int) -> int | None:
    """Where the old lines of `hunk` begin, from 0 and not before `least`."""
    named = hunk.start - 1 if hunk.old else hunk.start
    size = len(hunk.old)
    if named >= least and lines[named : named + size] == hunk.old and named <= len(lines):
        return named
    if not size:
        return None
    first = hunk.old[0]
    near = range(max(least, named - NEAR), min(len(lines) - size, named + NEAR) + 1)
    found = [n for n in near if lines[n] == first and lines[n : n + size] == hunk.old]
    return found[0] if len(found) == 1 else None


# ---------------------------------------------------------------- reading


def _changes(patch: bytes) -> Iterator[_Change]:
    lines = _lines(patch)
    at = 0
    while at < len(lines):
        if not lines[at].startswith(b"diff --git "):
            if lines[at].strip():
                raise BadPatch(f"line {at + 1} belongs to no file")
            at += 1
            continue
        change = _named(lines[at])
        at = _header(lines, at + 1, change)
        while at < len(lines) and lines[at].startswith(b"@@ "):
            at = _hunk(lines, at, change)
        if change.binary:
            while at < len(lines) and not lines[at].startswith(b"diff --git "):
                at += 1
        yield change


def _named(line: bytes) -> _Change:
    """By its first line, which is all that an empty file or a change of mode has: both names are the same there."""
    rest = line[len(b"diff --git ") :].rstrip(b"\r\n")
    half = len(rest) // 2
    if rest[half : half + 1] == b" ":
        old, new = _name(rest[:half]), _name(rest[half + 1 :])
        if old == new:
            return _Change(old, new)
    return _Change()


def _header(lines: list[bytes], at: int, change: _Change) -> int:
    """Read the lines between the first and the hunks; returns the number of the next one."""
    while at < len(lines) and not lines[at].startswith((b"diff --git ", b"@@ ")):
        line = lines[at].rstrip(b"\r\n")
        word = line.split(b" ", 1)[-1]
        if line.startswith((b"new file mode ", b"new mode ")):
            change.mode = line.rsplit(b" ", 1)[-1]
            change.created = change.created or line.startswith(b"new file")
        elif line.startswith(b"deleted file mode "):
            change.deleted = True
        elif line.startswith((b"rename from ", b"copy from ")):
            change.old, change.copied = _plain(word.split(b" ", 1)[-1]), line.startswith(b"copy")
        elif line.startswith((b"rename to ", b"copy to ")):
            change.new = _plain(word.split(b" ", 1)[-1])
        elif line.startswith((b"Binary files ", b"GIT binary patch")):
            change.binary = True
            break
        elif line.startswith(b"--- "):
            old = _name(word.split(b"\t")[0])
            change.old = None if old == NOWHERE else old
            change.created = change.created or old == NOWHERE
        elif line.startswith(b"+++ "):
            new = _name(word.split(b"\t")[0])
            change.new = None if new == NOWHERE else new
            change.deleted = change.deleted or new == NOWHERE
        elif line and not line.startswith((b"index ", b"old mode ", b"similarity ", b"dissimilarity ")):
            raise BadPatch(f"line {at + 1} is unknown")
        at += 1
    return at


def _hunk(lines: list[bytes], at: int, change: _Change) -> int:
    """Read one hunk; returns the number of the next line."""
    counts = HUNK.match(lines[at])
    if counts is None:
        raise BadPatch(f"line {at + 1} is no head of a hunk")
    start, old, new = int(counts[1]), int(counts[2] or 1), int(counts[4] or 1)
    hunk = _Hunk(start, [], [])
    at += 1
    while len(hunk.old) < old or len(hunk.new) < new:
        if at >= len(lines):
            raise BadPatch("it ends in the middle of a hunk")
        mark, text = lines[at][:1], lines[at][1:]
        if mark == b"\n":  # an empty line whose blank was cut off
            mark, text = b" ", b"\n"
        if mark not in (b" ", b"-", b"+"):
            raise BadPatch(f"line {at + 1} belongs to no side of its hunk")
        ended = at + 1 < len(lines) and lines[at + 1].startswith(b"\\ ")
        text = text.removesuffix(b"\n") if ended else text
        if mark != b"+":
            hunk.old.append(text)
        if mark != b"-":
            hunk.new.append(text)
        at += 2 if ended else 1
    if (len(hunk.old), len(hunk.new)) != (old, new):
        raise BadPatch(f"the hunk before line {at + 1} has not as many lines as it says")
    change.hunks.append(hunk)
    return at


def _name(text: bytes) -> str:
    """A name after its prefix `a/` or `b/`."""
    name = _plain(text)
    if name == NOWHERE:
        return name
    prefix, slash, rest = name.partition("/")
    if not slash or prefix not in ("a", "b"):
        raise BadPatch(f"{name[:80]!r} does not begin with a/ or b/")
    return rest


def _plain(text: bytes) -> str:
    if len(text) > 1 and text.startswith(b'"') and text.endswith(b'"'):
        text = ESCAPED.sub(_unescaped, text[1:-1])
    try:
        return text.decode()
    except UnicodeDecodeError as error:
        raise BadFiles("a name in it is not UTF-8") from error


def _unescaped(found: re.Match[bytes]) -> bytes:
    word = found[1]
    return bytes([ESCAPES[word[0]]]) if len(word) == 1 else bytes([int(word, 8)])
