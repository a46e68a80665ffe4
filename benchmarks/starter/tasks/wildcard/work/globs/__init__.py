from globs.pattern import matches
from globs.select import select

__all__ = ["matches", "select"]
