import unittest

from hours import spans
from hours.text import show


class MergeTest(unittest.TestCase):
    def test_overlapping(self):
        self.assertEqual(spans.merge([(1, 5), (3, 8)]), [(1, 8)])

    def test_apart(self):
        self.assertEqual(spans.merge([(1, 2), (4, 5)]), [(1, 2), (4, 5)])

    def test_touching(self):
        self.assertEqual(spans.merge([(540, 600), (600, 660)]), [(540, 660)])


class SubtractTest(unittest.TestCase):
    def test_a_break_in_the_middle(self):
        self.assertEqual(spans.subtract([(0, 10)], [(4, 6)]), [(0, 4), (6, 10)])


class ShowTest(unittest.TestCase):
    def test_show(self):
        self.assertEqual(show([(540, 630), (780, 1020)]), "9:00-10:30, 13:00-17:00")
