"""What has changed between two lists of lines."""

import collections

Hunk = collections.namedtuple("Hunk", "old_start new_start old_lines new_lines")


def diff(old, new):
    """The hunks of a shortest difference (Myers: furthest reaching paths by the number of changes)."""
    return _hunks(old, new, _unchanged(old, new))


def _unchanged(old, new):
    """The pairs of indices of lines that stay, rising."""
    reached, trace = {1: 0}, []
    for changes in range(len(old) + len(new) + 1):
        trace.append(dict(reached))
        for k in range(-changes, changes + 1, 2):
            down = k == -changes or (k != changes and reached[k - 1] < reached[k + 1])
            x = reached[k + 1] if down else reached[k - 1] + 1
            while x < len(old) and x - k < len(new) and old[x] == new[x - k]:
                x += 1
            reached[k] = x
            if x >= len(old) and x - k >= len(new):
                return _walk_back(trace, len(old), len(new))
    return []


def _walk_back(trace, x, y):
    pairs = []
    for changes in range(len(trace) - 1, -1, -1):
        reached, k = trace[changes], x - y
        down = k == -changes or (k != changes and reached[k - 1] < reached[k + 1])
        before = k + 1 if down else k - 1
        from_x = reached[before] if changes else 0
        from_y = from_x - before if changes else 0
        while x > from_x and y > from_y:
            x, y = x - 1, y - 1
            pairs.append((x, y))
        x, y = from_x, from_y
    return pairs[::-1]


def _hunks(old, new, pairs):
    hunks, at_old, at_new = [], 0, 0
    for x, y in pairs + [(len(old), len(new))]:
        if x > at_old or y > at_new:
            hunks.append(Hunk(at_old, at_new, list(old[at_old:x]), list(new[at_new:y])))
        at_old, at_new = x + 1, y + 1
    return hunks
