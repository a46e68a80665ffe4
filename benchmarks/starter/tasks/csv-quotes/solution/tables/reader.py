"""Text to rows."""

import re

BARE = re.compile(r'[^,"\n]*')


class TableError(ValueError):
    """Text that is not a table; `line` is where."""

    def __init__(self, line, what):
        super().__init__("line {}: {}".format(line, what))
        self.line = line


def read(text):
    return [row for _, row in _rows(text)]


def records(text):
    """A dict for each row after the first, which names the fields."""
    names = None
    for line, row in _rows(text):
        if names is None:
            names = row
            continue
        if len(row) != len(names):
            raise TableError(line, "{} fields instead of {}".format(len(row), len(names)))
        yield dict(zip(names, row))


def _rows(text):
    """The line on which each row starts, and its fields."""
    at, line = 0, 1
    while at < len(text):
        start = line
        at, line, row = _row(text, at, line)
        yield start, row


def _row(text, at, line):
    empty = re.compile(r"\r?\n").match(text, at)
    if empty:
        return empty.end(), line + 1, []
    row = []
    while True:
        if text.startswith('"', at):
            at, line, field = _quoted(text, at, line)
        else:
            end = BARE.match(text, at).end()
            if text.startswith('"', end):
                raise TableError(line, "a quote inside a field")
            field, at = text[at:end], end
            if text.startswith("\n", at) and field.endswith("\r"):
                field, at = field[:-1], at - 1
            field = field or None
        row.append(field)
        if text.startswith(",", at):
            at += 1
            continue
        ending = re.compile(r"\r?\n|$").match(text, at)
        if not ending:
            raise TableError(line, "text after a closing quote")
        return ending.end(), line + 1, row


def _quoted(text, at, line):
    opened, start = line, at + 1
    at = start
    while True:
        end = text.find('"', at)
        if end < 0:
            raise TableError(opened, "a quote that is never closed")
        if not text.startswith('""', end):
            break
        at = end + 2
    field = text[start:end]
    return end + 1, line + field.count("\n"), field.replace('""', '"')
