"""Differences, carried out."""

from patches.compare import Hunk


class Conflict(ValueError):
    """The hunk with this `number` fits nowhere."""

    def __init__(self, number):
        super().__init__("hunk {} fits nowhere".format(number))
        self.number = number


def apply(lines, hunks):
    result, shift, end = list(lines), 0, 0
    for number, hunk in enumerate(hunks):
        at = _place(result, hunk, hunk.old_start + shift, end)
        if at is None:
            raise Conflict(number)
        result[at : at + len(hunk.old_lines)] = hunk.new_lines
        end = at + len(hunk.new_lines)
        shift = at - hunk.old_start + len(hunk.new_lines) - len(hunk.old_lines)
    return result


def reverse(hunks):
    return [Hunk(hunk.new_start, hunk.old_start, hunk.new_lines, hunk.old_lines) for hunk in hunks]


def _place(lines, hunk, expected, end):
    last = len(lines) - len(hunk.old_lines)
    if not hunk.old_lines:
        return expected if end <= expected <= last else None
    for distance in range(max(abs(expected - end), abs(last - expected)) + 1):
        for at in (expected - distance, expected + distance):
            if end <= at <= last and lines[at : at + len(hunk.old_lines)] == list(hunk.old_lines):
                return at
    return None
