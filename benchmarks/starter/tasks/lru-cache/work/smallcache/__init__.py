from smallcache.lru import LRUCache
from smallcache.memo import memoize

__all__ = ["LRUCache", "memoize"]
