"""Iterators that can look ahead."""

import itertools

_RAISE = object()


class Peekable:
    def __init__(self, items):
        self._source = iter(items)
        self._ahead = []

    def __iter__(self):
        return self

    def __next__(self):
        return self._ahead.pop() if self._ahead else next(self._source)

    def __bool__(self):
        if not self._ahead:
            self._ahead.extend(itertools.islice(self._source, 1))
        return bool(self._ahead)

    def peek(self, default=_RAISE):
        if self:
            return self._ahead[-1]
        if default is _RAISE:
            raise StopIteration
        return default

    def push_back(self, item):
        self._ahead.append(item)


def merge(*sources):
    waiting = [source for source in map(Peekable, sources) if source]
    while waiting:
        best = waiting[0]
        for source in waiting[1:]:
            if source.peek() < best.peek():
                best = source
        yield next(best)
        waiting = [source for source in waiting if source]
