"""Many patterns against many paths."""

from globs.pattern import matches


def select(paths, patterns):
    """The paths for which the last pattern that matches does not start with `!`."""
    patterns = list(patterns)
    return [path for path in paths if _included(path, patterns)]


def _included(path, patterns):
    for pattern in reversed(patterns):
        excludes = pattern.startswith("!")
        if matches(pattern[excludes:], path):
            return not excludes
    return False
