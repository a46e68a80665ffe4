"""A formula as a list of tokens."""

import re

TOKEN = re.compile(
    r"(?P<number>(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?)"
    r"|(?P<name>[A-Za-z_][A-Za-z0-9_]*)"
    r"|(?P<sign>\*\*|//|[-+*/%(),])"
    r"|(?P<blank>[ \t]+)"
    r"|(?P<bad>.)",
    re.DOTALL,
)


def tokenize(text):
    """(kind, text, position) of each token; the last one is of the kind `end`."""
    found = [(match.lastgroup, match.group(), match.start()) for match in TOKEN.finditer(text)]
    return [token for token in found if token[0] != "blank"] + [("end", "", len(text))]
