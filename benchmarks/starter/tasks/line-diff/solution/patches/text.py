"""Differences for people."""

from patches.compare import diff


def show(old, new, context=3):
    lines = []
    for group in _groups(diff(old, new), context):
        lines.extend(_group(old, new, group, context))
    return lines


def _groups(hunks, context):
    """Hunks whose surroundings overlap or touch stand together."""
    groups = []
    for hunk in hunks:
        if groups and hunk.old_start - _end(groups[-1][-1]) <= 2 * context:
            groups[-1].append(hunk)
        else:
            groups.append([hunk])
    return groups


def _end(hunk):
    return hunk.old_start + len(hunk.old_lines)


def _group(old, new, group, context):
    start = max(group[0].old_start - context, 0)
    end = min(_end(group[-1]) + context, len(old))
    grown = sum(len(hunk.new_lines) - len(hunk.old_lines) for hunk in group)
    new_start = group[0].new_start - (group[0].old_start - start)
    lines = ["@@ -{} +{} @@".format(_range(start, end - start), _range(new_start, end - start + grown))]
    at = start
    for hunk in group:
        lines.extend(" " + line for line in old[at : hunk.old_start])
        lines.extend("-" + line for line in hunk.old_lines)
        lines.extend("+" + line for line in hunk.new_lines)
        at = _end(hunk)
    return lines + [" " + line for line in old[at:end]]


def _range(start, count):
    if count == 1:
        return str(start + 1)
    return "{},{}".format(start + 1 if count else start, count)
