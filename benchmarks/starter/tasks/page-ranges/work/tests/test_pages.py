import unittest

from printing.job import sheets
from printing.pages import PageError, describe, parse


class PagesTest(unittest.TestCase):
    def test_simple(self):
        self.assertEqual(parse("1-3,5", 9), [1, 2, 3, 5])

    def test_blanks(self):
        self.assertEqual(parse(" 1 - 2 , 4 ", 9), [1, 2, 4])

    def test_backwards(self):
        self.assertEqual(parse("3-1", 9), [3, 2, 1])

    def test_beyond(self):
        with self.assertRaises(PageError):
            parse("10", 9)

    def test_describe(self):
        self.assertEqual(describe([1, 2, 3, 5]), "1-3,5")

    def test_sheets(self):
        self.assertEqual(sheets("1-5", 9, copies=2, duplex=True), 6)
