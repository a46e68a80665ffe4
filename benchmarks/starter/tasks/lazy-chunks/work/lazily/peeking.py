"""Iterators that can look ahead."""


class Peekable:
    def __init__(self, items):
        self._items = list(items)

    def __iter__(self):
        return self

    def __next__(self):
        if not self._items:
            raise StopIteration
        return self._items.pop(0)

    def peek(self, default=None):
        return self._items[0] if self._items else default
