"""Maps from text."""

import math
import re

from routes.map import Map

LINE = re.compile(r"(.+?)(<?->)(.+):([^:]+)", re.DOTALL)


def read(lines):
    found = Map()
    for line in lines:
        if not line.strip():
            continue
        parts = LINE.fullmatch(line)
        if not parts or not parts[1].strip() or not parts[3].strip():
            raise ValueError("not a connection: " + line)
        found.connect(parts[1].strip(), parts[3].strip(), _length(parts[4].strip(), line), parts[2] == "<->")
    return found


def _length(text, line):
    try:
        length = int(text) if re.fullmatch(r"[0-9]+", text) else float(text)
    except ValueError:
        length = -1
    if not 0 <= length < math.inf:
        raise ValueError("not a length: " + line)
    return length
