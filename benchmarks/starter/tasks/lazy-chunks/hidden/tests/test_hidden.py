import itertools
import unittest

from lazily import Peekable, chunks, merge, split, windows


class Source:
    """Counts what was taken from it."""

    def __init__(self, items):
        self.items = iter(items)
        self.taken = 0

    def __iter__(self):
        return self

    def __next__(self):
        item = next(self.items)
        self.taken += 1
        return item


class ChunksTest(unittest.TestCase):
    def test_chunks(self):
        self.assertEqual(list(chunks(iter(range(5)), 2)), [[0, 1], [2, 3], [4]])
        self.assertEqual(list(chunks([1, 2], 2)), [[1, 2]])
        self.assertEqual(list(chunks([], 2)), [])

    def test_lazy(self):
        source = Source(itertools.count())
        found = chunks(source, 3)
        self.assertEqual(source.taken, 0)
        self.assertEqual(next(found), [0, 1, 2])
        self.assertEqual(source.taken, 3)

    def test_size(self):
        for function in (chunks, windows):
            for size in (0, -1):
                with self.assertRaises(ValueError):
                    function([1], size)


class WindowsTest(unittest.TestCase):
    def test_windows(self):
        self.assertEqual(list(windows(iter("abcd"), 3)), [("a", "b", "c"), ("b", "c", "d")])
        self.assertEqual(list(windows("ab", 2)), [("a", "b")])
        self.assertEqual(list(windows("a", 2)), [])
        self.assertEqual(list(windows("ab", 1)), [("a",), ("b",)])

    def test_lazy(self):
        source = Source(itertools.count())
        found = windows(source, 2)
        self.assertEqual([next(found), next(found)], [(0, 1), (1, 2)])
        self.assertEqual(source.taken, 3)


class SplitTest(unittest.TestCase):
    def test_split(self):
        self.assertEqual(list(split([1, 0, 2, 3, 0, 0, 4], lambda n: n == 0)), [[1, 0], [2, 3, 0], [0], [4]])
        self.assertEqual(list(split([1, 0], lambda n: n == 0)), [[1, 0]])
        self.assertEqual(list(split([], bool)), [])

    def test_lazy(self):
        source = Source(itertools.count(1))
        self.assertEqual(next(split(source, lambda n: n == 2)), [1, 2])
        self.assertEqual(source.taken, 2)


class PeekableTest(unittest.TestCase):
    def test_lazy(self):
        source = Source(itertools.count())
        items = Peekable(source)
        self.assertEqual(source.taken, 0)
        self.assertEqual([items.peek(), items.peek()], [0, 0])
        self.assertEqual(source.taken, 1)
        self.assertEqual(list(itertools.islice(items, 3)), [0, 1, 2])
        self.assertEqual(source.taken, 3)

    def test_end(self):
        items = Peekable([])
        self.assertEqual(items.peek("none"), "none")
        self.assertIsNone(items.peek(None))
        for method in (items.peek, items.__next__):
            with self.assertRaises(StopIteration):
                method()

    def test_none_and_false_are_items(self):
        items = Peekable([None, False])
        self.assertIsNone(items.peek("default"))
        self.assertTrue(items)
        self.assertEqual(list(items), [None, False])
        self.assertFalse(items)

    def test_push_back(self):
        items = Peekable([3])
        items.peek()
        items.push_back(2)
        items.push_back(1)
        self.assertEqual(items.peek(), 1)
        self.assertEqual(list(items), [1, 2, 3])
        items.push_back(None)
        self.assertTrue(items)
        self.assertEqual(list(items), [None])

    def test_is_its_own_iterator(self):
        items = Peekable("ab")
        self.assertIs(iter(items), items)


class Item:
    def __init__(self, key, source):
        self.key, self.source = key, source

    def __lt__(self, other):
        return self.key < other.key


class MergeTest(unittest.TestCase):
    def test_merge(self):
        self.assertEqual(list(merge([1, 4, 6], [], [2, 4], iter([0]))), [0, 1, 2, 4, 4, 6])
        self.assertEqual(list(merge()), [])

    def test_stable(self):
        one, two = [Item(1, "one"), Item(2, "one")], [Item(1, "two"), Item(1, "two"), Item(2, "two")]
        self.assertEqual([item.source for item in merge(one, two)], ["one", "two", "two", "one", "two"])

    def test_endless(self):
        found = merge(itertools.count(0, 2), itertools.count(1, 2))
        self.assertEqual(list(itertools.islice(found, 5)), [0, 1, 2, 3, 4])

    def test_takes_one_ahead(self):
        sources = [Source([1, 9, 10]), Source([5, 6, 7])]
        self.assertEqual(next(merge(*sources)), 1)
        self.assertLessEqual(sources[0].taken, 2)
        self.assertEqual(sources[1].taken, 1)
