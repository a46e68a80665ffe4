"""Names of cells."""

import re

NAME = re.compile(r"[A-Z][1-9][0-9]?")


def valid(name):
    return NAME.fullmatch(name) is not None


def order(name):
    """By column, then row."""
    return name[0], int(name[1:])


def within(first, last):
    """The names in the rectangle with these corners, row by row."""
    columns = sorted(ord(name[0]) for name in (first, last))
    rows = sorted(int(name[1:]) for name in (first, last))
    return [
        "{}{}".format(chr(column), row)
        for row in range(rows[0], rows[1] + 1)
        for column in range(columns[0], columns[1] + 1)
    ]
