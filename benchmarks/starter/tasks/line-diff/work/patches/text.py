"""Differences for people."""

from patches.compare import diff


def show(old, new, context=3):
    lines = []
    for hunk in diff(old, new):
        lines.extend("-" + line for line in hunk.old_lines)
        lines.extend("+" + line for line in hunk.new_lines)
    return lines
