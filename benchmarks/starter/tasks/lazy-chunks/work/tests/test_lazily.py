import itertools
import unittest

import lazily


class LazilyTest(unittest.TestCase):
    def test_chunks(self):
        self.assertEqual(list(lazily.chunks("abcde", 2)), [["a", "b"], ["c", "d"], ["e"]])

    def test_endless_chunks(self):
        def numbers():
            for n in range(10):
                yield n
            raise AssertionError("too much was read")

        self.assertEqual(next(lazily.chunks(numbers(), 3)), [0, 1, 2])

    def test_windows(self):
        self.assertEqual(list(lazily.windows([1, 2, 3], 2)), [(1, 2), (2, 3)])

    def test_peek(self):
        items = lazily.Peekable([1, 2])
        self.assertEqual([items.peek(), next(items), next(items), items.peek("end")], [1, 1, 2, "end"])
