"""Semantic versions."""

import functools
import re

NUMBER = r"(0|[1-9][0-9]*)"
PRE = r"(?:0|[1-9][0-9]*|[0-9]*[A-Za-z-][0-9A-Za-z-]*)"
BUILD = r"[0-9A-Za-z-]+"
TEXT = re.compile(r"{0}\.{0}\.{0}(?:-({1}(?:\.{1})*))?(?:\+({2}(?:\.{2})*))?".format(NUMBER, PRE, BUILD))


@functools.total_ordering
class Version:
    def __init__(self, major, minor, patch, pre=(), build=()):
        self.major = major
        self.minor = minor
        self.patch = patch
        self.pre = tuple(pre)
        self.build = tuple(build)

    @classmethod
    def parse(cls, text):
        found = TEXT.fullmatch(text)
        if not found:
            raise ValueError("not a version: {!r}".format(text))
        major, minor, patch = map(int, found.groups()[:3])
        pre, build = (part.split(".") if part else () for part in found.groups()[3:])
        return cls(major, minor, patch, pre, build)

    @property
    def numbers(self):
        return self.major, self.minor, self.patch

    def _key(self):
        parts = tuple((0, int(part), "") if part.isdigit() else (1, 0, part) for part in self.pre)
        return self.numbers, not self.pre, parts

    def __str__(self):
        text = "{}.{}.{}".format(*self.numbers)
        return text + ("-" + ".".join(self.pre) if self.pre else "") + ("+" + ".".join(self.build) if self.build else "")

    def __eq__(self, other):
        if not isinstance(other, Version):
            return NotImplemented
        return self._key() == other._key()

    def __lt__(self, other):
        if not isinstance(other, Version):
            return NotImplemented
        return self._key() < other._key()

    def __hash__(self):
        return hash(self._key())

    def bump(self, part):
        kept = {"major": 1, "minor": 2, "patch": 3}.get(part)
        if kept is None:
            raise ValueError("major, minor or patch, not {!r}".format(part))
        numbers = self.numbers
        if not (self.pre and not any(numbers[kept:])):
            numbers = numbers[: kept - 1] + (numbers[kept - 1] + 1,) + (0,) * (3 - kept)
        return Version(*numbers)
