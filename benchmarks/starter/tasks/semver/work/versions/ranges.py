"""Which versions will do."""

from versions.version import Version


def satisfies(version, range):
    return Version.parse(version) == Version.parse(range)
