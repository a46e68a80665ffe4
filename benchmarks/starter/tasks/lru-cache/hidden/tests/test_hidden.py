import unittest

from smallcache import LRUCache, memoize


def full():
    cache = LRUCache(3)
    for key in "abc":
        cache.put(key, key.upper())
    return cache


class OrderTest(unittest.TestCase):
    def test_get_is_a_use(self):
        cache = full()
        cache.get("a")
        cache.put("d", "D")
        self.assertEqual(cache.keys(), ["c", "a", "d"])

    def test_subscript_is_a_use(self):
        cache = full()
        self.assertEqual(cache["a"], "A")
        self.assertEqual(cache.keys(), ["b", "c", "a"])

    def test_put_is_a_use(self):
        cache = full()
        cache.put("a", "again")
        self.assertEqual(cache.keys(), ["b", "c", "a"])
        self.assertEqual(cache.peek("a"), "again")

    def test_peek_and_in_are_no_use(self):
        cache = full()
        self.assertEqual(cache.peek("a"), "A")
        self.assertEqual(cache.peek("z", 0), 0)
        self.assertIn("a", cache)
        cache.put("d", "D")
        self.assertEqual(cache.keys(), ["b", "c", "d"])

    def test_a_miss_changes_nothing(self):
        cache = full()
        cache.get("z")
        self.assertEqual(cache.keys(), ["a", "b", "c"])
        self.assertEqual(len(cache), 3)

    def test_replacing_throws_nothing_out(self):
        cache = full()
        cache.put("c", 1)
        self.assertEqual(len(cache), 3)
        self.assertEqual(cache.stats()["evictions"], 0)

    def test_falsy_values_are_values(self):
        cache = LRUCache(2)
        cache.put("none", None)
        cache.put("zero", 0)
        self.assertIsNone(cache.get("none", "default"))
        cache.put("x", 1)
        self.assertNotIn("zero", cache)


class EdgeTest(unittest.TestCase):
    def test_capacity_must_be_positive(self):
        for capacity in (0, -1):
            with self.assertRaises(ValueError):
                LRUCache(capacity)

    def test_capacity_one(self):
        cache = LRUCache(1)
        cache.put("a", 1)
        cache.put("b", 2)
        self.assertEqual(cache.keys(), ["b"])

    def test_missing_subscript(self):
        cache = full()
        with self.assertRaises(KeyError):
            cache["z"]
        self.assertEqual(cache.stats()["misses"], 1)

    def test_stats(self):
        cache = full()
        cache.get("a")
        cache["b"]
        cache.get("y")
        cache.peek("a")
        "q" in cache
        cache.put("d", 1)
        cache.put("e", 1)
        self.assertEqual(cache.stats(), {"hits": 2, "misses": 1, "evictions": 2})


class MemoizeTest(unittest.TestCase):
    def test_none_is_remembered(self):
        calls = []

        @memoize(2)
        def nothing(n):
            calls.append(n)

        nothing(1)
        nothing(1)
        self.assertEqual(calls, [1])

    def test_least_recent_call_is_forgotten(self):
        calls = []

        @memoize(2)
        def same(n):
            calls.append(n)
            return n

        for n in (1, 2, 1, 3, 1, 2):
            self.assertEqual(same(n), n)
        self.assertEqual(calls, [1, 2, 3, 2])

    def test_name_and_cache_stay(self):
        @memoize(2)
        def named(n):
            return n

        named(1)
        self.assertEqual(named.__name__, "named")
        self.assertEqual(len(named.cache), 1)
