"""Paths and filters."""

import collections.abc
import re

from pages.errors import Missing, TemplateError

NAME = r"[A-Za-z][A-Za-z0-9_]*"
PATH = re.compile(r"{0}(?:\.(?:{0}|[0-9]+))*".format(NAME))
PLAIN = {"upper": str.upper, "lower": str.lower, "length": len}


class Expression:
    def __init__(self, text, line):
        path, *filters = [part.strip() for part in text.split("|")]
        if not PATH.fullmatch(path):
            raise TemplateError("not a path: {!r}".format(path), line)
        self.line = line
        self.path = path.split(".")
        self.filters = [self._filter(part) for part in filters]

    def _filter(self, part):
        name, colon, argument = part.partition(":")
        name = name.strip()
        if name not in ("join", "default") and (name not in PLAIN or colon):
            raise TemplateError("not a filter: {!r}".format(part), self.line)
        return name, argument.strip()

    def value(self, values):
        """Raises TemplateError for missing names."""
        try:
            return self.find(values)
        except Missing as missing:
            raise TemplateError("there is no {}".format(missing), self.line) from None

    def find(self, values):
        """Raises Missing, unless the first filter has a default."""
        filters = list(self.filters)
        try:
            value = self._look_up(values)
        except Missing:
            if not filters or filters[0][0] != "default":
                raise
            value = None
        for name, argument in filters:
            value = self._apply(name, argument, value)
        return value

    def _look_up(self, values):
        value = values
        for name in self.path:
            try:
                if isinstance(value, collections.abc.Mapping):
                    value = value[name]
                elif name.isdigit():
                    if not isinstance(value, (list, tuple)):
                        raise Missing(name)
                    value = value[int(name)]
                else:
                    value = getattr(value, name)
            except (KeyError, IndexError, AttributeError):
                raise Missing(name) from None
        return value

    def _apply(self, name, argument, value):
        try:
            if name == "join":
                return argument.join(map(str, value))
            if name == "default":
                return argument if value is None or value == "" else value
            return PLAIN[name](value)
        except TypeError as error:
            raise TemplateError("{}: {}".format(name, error), self.line) from None
