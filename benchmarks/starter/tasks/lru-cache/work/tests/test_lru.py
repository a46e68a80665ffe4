import unittest

from smallcache import LRUCache, memoize


class LRUCacheTest(unittest.TestCase):
    def test_put_and_get(self):
        cache = LRUCache(2)
        cache.put("a", 1)
        self.assertEqual(cache.get("a"), 1)
        self.assertEqual(cache.get("b", "none"), "none")

    def test_reading_keeps_an_entry(self):
        cache = LRUCache(2)
        cache.put("a", 1)
        cache.put("b", 2)
        cache.get("a")
        cache.put("c", 3)
        self.assertIn("a", cache)
        self.assertNotIn("b", cache)

    def test_stats(self):
        cache = LRUCache(1)
        cache.put("a", 1)
        cache.get("a")
        cache.get("b")
        self.assertEqual(cache.stats(), {"hits": 1, "misses": 1, "evictions": 0})


class MemoizeTest(unittest.TestCase):
    def test_calls_once(self):
        calls = []

        @memoize(4)
        def double(n):
            calls.append(n)
            return 2 * n

        self.assertEqual([double(2), double(2)], [4, 4])
        self.assertEqual(calls, [2])
