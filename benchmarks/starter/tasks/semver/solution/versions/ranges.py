"""Which versions will do."""

import operator
import re

from versions.version import Version

CONDITION = re.compile(r"(>=|<=|>|<|=|\^|~|)\s*([^\s,<>=^~|*]+)|\*")
COMPARE = {">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt, "=": operator.eq, "": operator.eq}


def satisfies(version, range):
    version = Version.parse(version) if isinstance(version, str) else version
    groups = [_group(text) for text in range.split("||")]
    return any(_meets(version, group) for group in groups)


def newest(texts, range="*"):
    best = None
    for text in texts:
        try:
            version = Version.parse(text)
        except ValueError:
            continue
        if satisfies(version, range) and (best is None or version > best[0]):
            best = version, text
    return best and best[1]


def _group(text):
    """The comparisons that a group stands for, and the versions it mentions."""
    comparisons, mentioned, at = [], [], 0
    separator = re.compile(r"[\s,]*")
    at = separator.match(text).end()
    while at < len(text):
        found = CONDITION.match(text, at)
        if not found:
            raise ValueError("not a condition: {!r}".format(text[at:]))
        if found[2]:
            limit = Version.parse(found[2])
            mentioned.append(limit)
            comparisons.extend(_comparisons(found[1], limit))
        else:
            mentioned.append(None)
        end = separator.match(text, found.end()).end()
        if end == found.end() < len(text):
            raise ValueError("not a condition: {!r}".format(text[at:]))
        at = end
    if not mentioned:
        raise ValueError("an empty range")
    return comparisons, [limit.numbers for limit in mentioned if limit and limit.pre]


def _comparisons(sign, limit):
    if sign not in ("^", "~"):
        return [(COMPARE[sign], limit)]
    major, minor, patch = limit.numbers
    if sign == "~" or (not major and minor):
        end = (major, minor + 1, 0)
    elif major:
        end = (major + 1, 0, 0)
    else:
        end = (0, 0, patch + 1)
    return [(operator.ge, limit), (operator.lt, Version(*end))]


def _meets(version, group):
    comparisons, unstable = group
    if version.pre and version.numbers not in unstable:
        return False
    return all(compare(version, limit) for compare, limit in comparisons)
