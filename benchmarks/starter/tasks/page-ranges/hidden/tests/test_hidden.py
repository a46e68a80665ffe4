import unittest

from printing.job import sheets
from printing.pages import PageError, describe, parse


class ParseTest(unittest.TestCase):
    def test_good(self):
        for text, wanted in {
            "1": [1], "1-3,5": [1, 2, 3, 5], " 1 - 2 ,\t4 ": [1, 2, 4], "1,,3,": [1, 3], "-3": [1, 2, 3], "7-": [7, 8, 9],
            "-": list(range(1, 10)), "3-1": [3, 2, 1], "9-8,1": [9, 8, 1], "2,2,1": [2, 2, 1], "4-4": [4],
            "1-3,2-4": [1, 2, 3, 2, 3, 4], " - 2": [1, 2], "9-": [9], "007": [7],
        }.items():
            self.assertEqual(parse(text, 9), wanted, text)

    def test_bad(self):
        for text, part in {
            "10": "10", "0": "0", "0-3": "0-3", "8-10": "8-10", "1, x ,2": "x", "1-2-3": "1-2-3", "--2": "--2", "1.5": "1.5",
            "12-": "12-", "-12": "-12", "1 2": "1 2", "+1": "+1", "²": "²", "1,3 - q": "3 - q",
        }.items():
            with self.assertRaises(PageError, msg=text) as caught:
                parse(text, 9)
            self.assertIn(part, str(caught.exception))

    def test_nothing(self):
        for text in ("", " ", ",", " , "):
            with self.assertRaises(PageError):
                parse(text, 9)

    def test_is_a_value_error(self):
        self.assertTrue(issubclass(PageError, ValueError))


class DescribeTest(unittest.TestCase):
    def test_describe(self):
        for pages, wanted in [
            ([], ""), ([4], "4"), ([1, 2], "1,2"), ([1, 2, 3], "1-3"), ([1, 2, 3, 5, 6], "1-3,5,6"), ([3, 2, 1, 7], "3-1,7"),
            ([1, 2, 3, 2, 1], "1-3,2,1"), ([5, 5, 5], "5,5,5"), ([1, 2, 3, 4, 3, 2, 1], "1-4,3-1"), ([9, 1, 2, 3], "9,1-3"),
            ([1, 3, 5], "1,3,5"),
        ]:
            self.assertEqual(describe(pages), wanted, pages)

    def test_round_trip(self):
        for text in ("1-9", "9-1,5,5,1-3", "2,1,3"):
            self.assertEqual(describe(parse(text, 9)), text)


class JobTest(unittest.TestCase):
    def test_repeats_are_printed(self):
        self.assertEqual(sheets("1,1,1", 9), 3)
        self.assertEqual(sheets("-", 9, copies=2, duplex=True), 10)
