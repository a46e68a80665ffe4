"""Many patterns against many paths."""

from globs.pattern import matches


def select(paths, patterns):
    return [path for path in paths if any(matches(pattern, path) for pattern in patterns)]
