"""Lines of files along a lineage: how many changed, who wrote which, and three versions made into one.

Invariant: whatever the files hold, the work is bounded; where two versions differ too much to be aligned, all lines
between two that surely are the same count as replaced.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence

from msgspec import Struct

from dgm.changes import changes
from dgm.files import File, Files

WORK = 2_000_000
"""Comparisons of lines that an alignment may take, and"""
DIFFERENT = 500
"""how many lines may be added or removed between two lines that are surely the same."""

Lines = Sequence[str]


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


def matches(old: Lines, new: Lines) -> list[tuple[int, int, int]]:
    """The blocks (place in `old`, place in `new`, length > 0) of lines that stayed, in order."""
    first, least = 0, min(len(old), len(new))
    while first < least and old[first] == new[first]:
        first += 1
    last = 0
    while last < least - first and old[-1 - last] == new[-1 - last]:
        last += 1
    start, end = (first, first), (len(old) - last, len(new) - last)
    pairs = [(place, place) for place in range(first)]
    for place in [*_anchors(old, new, start, end), end]:
        kept = _aligned(old[start[0] : place[0]], new[start[1] : place[1]])
        pairs += [(start[0] + a, start[1] + b) for a, b in kept]
        if place != end:
            pairs.append(place)
        start = place[0] + 1, place[1] + 1
    pairs += [(len(old) - left, len(new) - left) for left in range(last, 0, -1)]
    return list(_blocks(pairs))


def _blocks(pairs: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int, int]]:
    """Pairs that follow one another, as one."""
    start = 0
    for place in range(1, len(pairs) + 1):
        here = pairs[place - 1]
        if place == len(pairs) or pairs[place] != (here[0] + 1, here[1] + 1):
            yield (*pairs[start], place - start)
            start = place


def _anchors(old: Lines, new: Lines, first: tuple[int, int], last: tuple[int, int]) -> list[tuple[int, int]]:
    """Lines that are there once in both, between two places, as many of them as are in the same order in both.

    As in Cohen's patience diff: a longest increasing sequence, found by laying out cards.
    """
    here, there = Counter(old[first[0] : last[0]]), Counter(new[first[1] : last[1]])
    place = {new[b]: b for b in range(first[1], last[1]) if there[new[b]] == 1}
    pairs = [(a, place[old[a]]) for a in range(first[0], last[0]) if here[old[a]] == 1 and old[a] in place]
    tops: list[int] = []
    piles: list[int] = []
    before: list[int] = []
    for number, (_, b) in enumerate(pairs):
        pile = bisect_left(tops, b)
        tops[pile : pile + 1] = [b]
        piles[pile : pile + 1] = [number]
        before.append(piles[pile - 1] if pile else -1)
    found = []
    number = piles[-1] if piles else -1
    while number >= 0:
        found.append(pairs[number])
        number = before[number]
    return found[::-1]


def _aligned(old: Lines, new: Lines) -> list[tuple[int, int]]:
    """The places of as many lines as can be kept, by Myers' greedy algorithm (Algorithmica 1, 1986); none where more
    lines differ than are allowed."""
    size = len(old) + len(new)
    if not old or not new:
        return []
    furthest = {1: 0}
    trace: list[dict[int, int]] = []
    for step in range(min(size, DIFFERENT, WORK // size) + 1):
        trace.append(furthest.copy())
        for k in range(-step, step + 1, 2):
            down = k == -step or (k != step and furthest[k - 1] < furthest[k + 1])
            x = furthest[k + 1] if down else furthest[k - 1] + 1
            while x < len(old) and x - k < len(new) and old[x] == new[x - k]:
                x += 1
            furthest[k] = x
            if x >= len(old) and x - k >= len(new):
                return _walked(trace, len(old), len(new))
    return []


def _walked(trace: Sequence[dict[int, int]], x: int, y: int) -> list[tuple[int, int]]:
    """The kept lines on the way from (0, 0) to (x, y), along which the `furthest` before each step lead."""
    found = []
    for step in range(len(trace) - 1, -1, -1):
        furthest, k = trace[step], x - y
        down = k == -step or (k != step and furthest[k - 1] < furthest[k + 1])
        from_x = furthest[k + 1] if down else furthest[k - 1]
        from_y = from_x - (k + 1 if down else k - 1)
        while x > from_x and y > from_y:
            x, y = x - 1, y - 1
            if x >= 0 and y >= 0:
                found.append((x, y))
        x, y = from_x, from_y
    return found[::-1]


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
