"""Which lines of two texts stayed the same, and the unified diff that follows from it.

Invariant: whatever the texts hold, the work is bounded; where they differ too much to be aligned, all lines between two
that surely are the same count as replaced.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

WORK = 2_000_000
"""Comparisons of lines that an alignment may take, and"""
DIFFERENT = 500
"""how many lines may be added or removed between two lines that are surely the same."""

AROUND = 3
"""Lines that are shown around a change."""

Lines = Sequence[str]
Block = tuple[int, int, int]
"""Place in the old lines, place in the new ones, and length, above 0, of lines that stayed."""


def matches(old: Lines, new: Lines) -> list[Block]:
    """The blocks of lines that stayed, in order."""
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


def _blocks(pairs: Sequence[tuple[int, int]]) -> Iterator[Block]:
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


# ---------------------------------------------------------------- as a diff


def unified(old: Lines, new: Lines, blocks: Iterable[Block], end: str = "") -> Iterator[str]:
    """The lines of a unified diff, without the names of the files. `blocks`: what stayed, as `matches` has it; `end`:
    what the heads of hunks end with, where lines have their line feeds."""
    hunks: list[list[tuple[int, int, int, int]]] = []
    i = j = 0
    for a, b, length in [*blocks, (len(old), len(new), 0)]:
        if (i, j) != (a, b):
            if not hunks or i - hunks[-1][-1][1] > 2 * AROUND:
                hunks.append([])
            hunks[-1].append((i, a, j, b))
        i, j = a + length, b + length
    for hunk in hunks:
        before = min(AROUND, hunk[0][0])
        after = min(AROUND, len(old) - hunk[-1][1])
        first, last = hunk[0][0] - before, hunk[-1][1] + after
        yield f"@@ -{_range(first, last)} +{_range(hunk[0][2] - before, hunk[-1][3] + after)} @@{end}"
        for i, a, j, b in hunk:
            yield from (f" {line}" for line in old[first:i])
            yield from (f"-{line}" for line in old[i:a])
            yield from (f"+{line}" for line in new[j:b])
            first = a
        yield from (f" {line}" for line in old[first:last])


def _range(begin: int, end: int) -> str:
    """The first line, from 1, and how many unless that is one; of none, the line before."""
    return f"{end}" if end - begin == 1 else f"{begin + (end > begin)},{end - begin}"
