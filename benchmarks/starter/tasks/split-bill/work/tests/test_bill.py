import unittest

from tally import Money, split


class SplitTest(unittest.TestCase):
    def test_even(self):
        self.assertEqual(split(Money(900, "EUR"), [1, 2]), [Money(300, "EUR"), Money(600, "EUR")])

    def test_no_cent_is_lost(self):
        parts = split(Money(1000, "EUR"), [1, 1, 1])
        self.assertEqual([part.cents for part in parts], [334, 333, 333])


class MoneyTest(unittest.TestCase):
    def test_parse(self):
        self.assertEqual(Money.parse("12.30 EUR"), Money(1230, "EUR"))

    def test_parse_without_cents(self):
        self.assertEqual(Money.parse("12 EUR"), Money(1200, "EUR"))

    def test_text(self):
        self.assertEqual(str(Money(1230, "EUR")), "12.30 EUR")
