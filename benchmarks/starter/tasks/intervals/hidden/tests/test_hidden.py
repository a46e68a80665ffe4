import random
import unittest

from hours import spans
from hours.text import show


def minutes(pieces):
    return {minute for start, end in pieces for minute in range(start, end)}


def proper(pieces):
    return all(a[1] < b[0] for a, b in zip(pieces, pieces[1:])) and all(a < b for a, b in pieces)


class MergeTest(unittest.TestCase):
    def test_unsorted(self):
        self.assertEqual(spans.merge([(7, 9), (1, 3), (2, 5)]), [(1, 5), (7, 9)])

    def test_contained(self):
        self.assertEqual(spans.merge([(1, 10), (2, 3)]), [(1, 10)])

    def test_touching(self):
        self.assertEqual(spans.merge([(3, 4), (1, 2), (2, 3)]), [(1, 4)])

    def test_empty_spans_vanish(self):
        self.assertEqual(spans.merge([(4, 4), (1, 2), (9, 9)]), [(1, 2)])
        self.assertEqual(spans.merge([]), [])

    def test_an_empty_span_joins_nothing(self):
        self.assertEqual(spans.merge([(1, 2), (3, 3), (4, 5)]), [(1, 2), (4, 5)])

    def test_backwards(self):
        with self.assertRaises(ValueError):
            spans.merge([(1, 2), (5, 4)])

    def test_any_iterable_of_pairs(self):
        given = [[3, 4], [1, 2]]
        self.assertEqual(spans.merge(iter(given)), [(1, 2), (3, 4)])
        self.assertEqual(given, [[3, 4], [1, 2]])
        self.assertIsInstance(spans.merge(given)[0], tuple)

    def test_random(self):
        rng = random.Random(1)
        for _ in range(200):
            given = [(a, a + rng.randrange(4)) for a in (rng.randrange(30) for _ in range(rng.randrange(8)))]
            found = spans.merge(given)
            self.assertEqual(minutes(found), minutes(given))
            self.assertTrue(proper(found), found)


class SubtractTest(unittest.TestCase):
    def test_cases(self):
        for given, breaks, wanted in [
            ([(0, 10)], [(4, 6)], [(0, 4), (6, 10)]),
            ([(0, 10)], [], [(0, 10)]),
            ([(0, 10)], [(0, 10)], []),
            ([(0, 10)], [(-5, 3), (8, 20)], [(3, 8)]),
            ([(0, 4), (6, 10)], [(3, 7)], [(0, 3), (7, 10)]),
            ([(5, 6)], [(0, 5), (6, 9)], [(5, 6)]),
            ([], [(1, 2)], []),
            ([(0, 3), (3, 6)], [(9, 9)], [(0, 6)]),
        ]:
            self.assertEqual(spans.subtract(given, breaks), wanted, (given, breaks))

    def test_random(self):
        rng = random.Random(2)
        for _ in range(300):
            one, two = (
                [(a, a + rng.randrange(6)) for a in (rng.randrange(30) for _ in range(rng.randrange(7)))] for _ in "ab"
            )
            found = spans.subtract(iter(one), iter(two))
            self.assertEqual(minutes(found), minutes(one) - minutes(two), (one, two))
            self.assertTrue(proper(found), found)

    def test_backwards_break(self):
        with self.assertRaises(ValueError):
            spans.subtract([(0, 9)], [(5, 4)])


class GapsTest(unittest.TestCase):
    def test_gaps(self):
        self.assertEqual(spans.gaps([(5, 6), (2, 4)], 0, 10), [(0, 2), (4, 5), (6, 10)])
        self.assertEqual(spans.gaps([], 3, 4), [(3, 4)])
        self.assertEqual(spans.gaps([(0, 99)], 3, 4), [])
        self.assertEqual(spans.gaps([(0, 4), (20, 30)], 3, 6), [(4, 6)])


class TotalTest(unittest.TestCase):
    def test_overlap_counts_once(self):
        self.assertEqual(spans.total([(0, 10), (5, 15), (20, 21)]), 16)
        self.assertEqual(spans.total([]), 0)


class ShowTest(unittest.TestCase):
    def test_two_digits(self):
        self.assertEqual(show([(545, 600)]), "9:05-10:00")

    def test_merges(self):
        self.assertEqual(show([(600, 660), (540, 600)]), "9:00-11:00")

    def test_closed(self):
        self.assertEqual(show([]), "closed")
        self.assertEqual(show([(5, 5)]), "closed")

    def test_beyond_midnight(self):
        self.assertEqual(show([(1320, 1560)]), "22:00-26:00")
