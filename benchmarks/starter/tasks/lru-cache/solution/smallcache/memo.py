"""Remember what a function returned."""

import functools

from smallcache.lru import LRUCache


def memoize(capacity):
    def wrap(function):
        cache = LRUCache(capacity)

        @functools.wraps(function)
        def call(*args):
            try:
                return cache[args]
            except KeyError:
                pass
            value = function(*args)
            cache.put(args, value)
            return value

        call.cache = cache
        return call

    return wrap
