"""One pattern against one path."""


def matches(pattern, path):
    at = seen = 0
    star, back = -1, 0
    while seen < len(path):
        if at < len(pattern) and pattern[at] == "*":
            star, back = at, seen
            at += 1
        elif at < len(pattern) and pattern[at] in ("?", path[seen]):
            at += 1
            seen += 1
        elif star >= 0:
            back += 1
            at, seen = star + 1, back
        else:
            return False
    return pattern[at:].strip("*") == ""
