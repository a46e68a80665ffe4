"""Lines of files along a lineage: how many changed, who wrote which, and three versions made into one.

Invariant: what stayed and what changed is as `dgm.alignment` has it, so that all counts agree with the diffs.
"""

from collections.abc import Sequence

from msgspec import Struct

from dgm.alignment import Lines, matches
from dgm.changes import changes
from dgm.files import File, Files


class FileChange(Struct, frozen=True):
    """`change`: added, removed, changed, or mode; lines are counted in text only."""

    path: str
    change: str
    added: int
    removed: int
    text: bool


class Merged(Struct, frozen=True):
    """`conflicts`: the paths that nobody can merge without guessing; `files` is right only without any."""

    files: Files
    conflicts: tuple[str, ...]


def lines_of(file: File | None) -> list[str] | None:
    """With their line feeds; empty for a file that is not there, None for one that is not text."""
    if file is None:
        return []
    try:
        *lines, rest = file.data.decode().split("\n")
    except UnicodeDecodeError:
        return None
    return [f"{line}\n" for line in lines] + ([rest] if rest else [])


def changed(old: Files, new: Files) -> tuple[FileChange, ...]:
    """The files in which two sources differ, by path."""
    found = []
    for path, change, before, after in changes(old, new):
        ours, theirs = lines_of(before), lines_of(after)
        if ours is None or theirs is None:
            found.append(FileChange(path, change, 0, 0, text=False))
            continue
        same = sum(length for _, _, length in matches(ours, theirs))
        found.append(FileChange(path, change, len(theirs) - same, len(ours) - same, text=True))
    return tuple(found)


def authors(versions: Sequence[Files], path: str) -> list[tuple[int, str]] | None:
    """Each line of `path` in the last of `versions`, with its line feed, and the number of the version that wrote it.

    None where the last one is not text. A version in between that is not text is one without lines.
    """
    lines: Lines = []
    writers: list[int] = []
    for number, files in enumerate(versions):
        now = lines_of(files.get(path))
        if now is None and number == len(versions) - 1:
            return None
        if now == lines:
            continue
        kept = [number] * len(now or [])
        for before, after, length in matches(lines, now or []):
            kept[after : after + length] = writers[before : before + length]
        lines, writers = now or [], kept
    return list(zip(writers, lines, strict=True))


# ---------------------------------------------------------------- three versions


def merge(base: Files, ours: Files, theirs: Files) -> Merged:
    """What `ours` becomes when the change from `base` to `theirs` is made to it, too, file by file and line by line."""
    files: dict[str, File] = {}
    conflicts = []
    for path in sorted(base.keys() | ours.keys() | theirs.keys()):
        versions = base.get(path), ours.get(path), theirs.get(path)
        try:
            merged = _merged(*versions)
        except ValueError:
            conflicts.append(path)
            continue
        if merged is not None:
            files[path] = merged
    return Merged(files, tuple(conflicts))


def _merged(base: File | None, ours: File | None, theirs: File | None) -> File | None:
    """None for a file that is not to be. Raises `ValueError` where both have changed the same."""
    if ours == theirs or base == theirs:
        return ours
    if base == ours:
        return theirs
    if base is None or ours is None or theirs is None:
        raise ValueError("one has removed what the other has changed")
    lines = _merged_lines(lines_of(base), lines_of(ours), lines_of(theirs))
    return File("".join(lines).encode(), ours.executable if base.executable == theirs.executable else theirs.executable)


def _merged_lines(base: Lines | None, ours: Lines | None, theirs: Lines | None) -> list[str]:
    """As diff3 does: between lines that all three share, at most one may differ from the base. Raises `ValueError`."""
    if base is None or ours is None or theirs is None:
        raise ValueError("it is not text")
    in_ours, in_theirs = _places(base, ours), _places(base, theirs)
    shared = [(n, in_ours[n], in_theirs[n]) for n in range(len(base)) if n in in_ours and n in in_theirs]
    lines: list[str] = []
    was = (0, 0, 0)
    for place in [*shared, (len(base), len(ours), len(theirs))]:
        parts = [version[a:b] for version, a, b in zip((base, ours, theirs), was, place, strict=True)]
        if parts[1] == parts[2] or parts[0] == parts[2]:
            lines += parts[1]
        elif parts[0] == parts[1]:
            lines += parts[2]
        else:
            raise ValueError("both have changed the same lines")
        lines += base[place[0] : place[0] + 1]
        was = place[0] + 1, place[1] + 1, place[2] + 1
    return lines


def _places(base: Lines, other: Lines) -> dict[int, int]:
    return {a + n: b + n for a, b, length in matches(base, other) for n in range(length)}
