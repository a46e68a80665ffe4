"""Maps from text."""

from routes.map import Map


def read(lines):
    found = Map()
    for line in lines:
        ends, length = line.split(":")
        a, b = ends.split("->")
        found.connect(a, b, int(length))
    return found
