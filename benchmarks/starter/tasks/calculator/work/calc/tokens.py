"""A formula as a list of tokens."""

import re

TOKEN = re.compile(r"\s*(\d+|[-+*/()])")


def tokenize(text):
    """(text, position) of each token."""
    return [(match.group(1), match.start(1)) for match in TOKEN.finditer(text)]
