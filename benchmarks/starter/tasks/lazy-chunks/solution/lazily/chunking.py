"""Several items at once."""

import collections
import itertools


def chunks(items, size):
    _check(size)
    return _chunks(iter(items), size)


def _chunks(source, size):
    while True:
        chunk = list(itertools.islice(source, size))
        if not chunk:
            return
        yield chunk


def windows(items, size):
    _check(size)
    return _windows(items, size)


def _windows(items, size):
    window = collections.deque(maxlen=size)
    for item in items:
        window.append(item)
        if len(window) == size:
            yield tuple(window)


def split(items, is_end):
    part = []
    for item in items:
        part.append(item)
        if is_end(item):
            yield part
            part = []
    if part:
        yield part


def _check(size):
    if size < 1:
        raise ValueError("size must be at least 1")
