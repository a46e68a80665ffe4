"""What has changed between two lists of lines."""

import collections

Hunk = collections.namedtuple("Hunk", "old_start new_start old_lines new_lines")


def diff(old, new):
    if old == new:
        return []
    return [Hunk(0, 0, list(old), list(new))]
