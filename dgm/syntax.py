"""Python sources as syntax trees.

Invariant: one thread parses at a time. Python 3.11.7, for one, counts the depth of the tree that it builds in one
place for all threads, and refuses sound sources with a `SystemError` where the counts of two threads get mixed up.
"""

import ast
from threading import Lock

_PARSING = Lock()


def parsed(source: str | bytes) -> ast.Module:
    """Raises what `ast.parse` raises: `SyntaxError`, `ValueError`, `RecursionError`."""
    with _PARSING:
        return ast.parse(source)
