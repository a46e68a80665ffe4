import unittest

from layout import wrap
from layout.columns import side_by_side


class WrapTest(unittest.TestCase):
    def test_wrap(self):
        self.assertEqual(wrap("the quick brown fox", 10), ["the quick", "brown fox"])

    def test_exact_fit(self):
        self.assertEqual(wrap("aa bb", 5), ["aa bb"])

    def test_paragraphs(self):
        self.assertEqual(wrap("one\ntwo\n\nthree", 20), ["one two", "", "three"])

    def test_long_word(self):
        self.assertEqual(wrap("abcdef", 4), ["abcd", "ef"])

    def test_columns(self):
        self.assertEqual(side_by_side("one two", "three", 5), ["one    three", "two"])
