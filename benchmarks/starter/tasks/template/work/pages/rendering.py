"""Templates filled with values."""

import re


def render(text, values):
    return re.sub(r"\{\{ *(\w+) *\}\}", lambda match: str(values[match[1]]), text)
