import random
import unittest
from fractions import Fraction

from tally import Money, split


def cents(total, weights):
    parts = split(Money(total, "EUR"), weights)
    return [part.cents for part in parts]


class SplitTest(unittest.TestCase):
    def test_first_come_first_served(self):
        self.assertEqual(cents(1000, [1, 1, 1]), [334, 333, 333])
        self.assertEqual(cents(2, [1, 1, 1]), [1, 1, 0])

    def test_largest_fraction_first(self):
        self.assertEqual(cents(100, [1, 2, 3]), [17, 33, 50])
        self.assertEqual(cents(10, [3, 3, 1]), [4, 4, 2])
        self.assertEqual(cents(101, [1, 1, 4]), [17, 17, 67])

    def test_negative(self):
        self.assertEqual(cents(-1000, [1, 1, 1]), [-333, -333, -334])
        self.assertEqual(cents(-1, [1, 1]), [0, -1])

    def test_zero_weight_gets_nothing(self):
        self.assertEqual(cents(101, [0, 1, 1]), [0, 51, 50])
        self.assertEqual(cents(-101, [1, 0, 1]), [-50, 0, -51])

    def test_fractions(self):
        self.assertEqual(cents(100, [Fraction(1, 3), Fraction(2, 3)]), [33, 67])

    def test_large(self):
        self.assertEqual(cents(9007199254740993, [1, 2]), [3002399751580331, 6004799503160662])
        self.assertEqual(sum(cents(10**30 + 1, [7, 11, 13])), 10**30 + 1)

    def test_currency_stays(self):
        self.assertEqual({part.currency for part in split(Money(5, "CHF"), [1, 1])}, {"CHF"})

    def test_bad_weights(self):
        for weights in ([], [0, 0], [1, -1], [2, -1]):
            with self.assertRaises(ValueError):
                split(Money(100, "EUR"), weights)

    def test_random(self):
        rng = random.Random(3)
        for _ in range(300):
            total = rng.randrange(-5000, 5000)
            weights = [rng.randrange(6) for _ in range(rng.randrange(1, 7))] + [1]
            parts = cents(total, weights)
            self.assertEqual(sum(parts), total)
            for part, weight in zip(parts, weights):
                self.assertLess(abs(Fraction(total * weight, sum(weights)) - part), 1)


class ParseTest(unittest.TestCase):
    def test_good(self):
        for text, wanted in {
            "12.30 EUR": 1230,
            "12 EUR": 1200,
            "12.3 EUR": 1230,
            "0.05 EUR": 5,
            "-0.05 EUR": -5,
            "-3.50 EUR": -350,
            "+3.50 EUR": 350,
            "1,234.50 EUR": 123450,
            "-1,234,567 EUR": -123456700,
            "1234567 EUR": 123456700,
        }.items():
            self.assertEqual(Money.parse(text), Money(wanted, "EUR"), text)

    def test_bad(self):
        for text in (
            "", "EUR", "12", "12.345 EUR", "12.30 eur", "12.30 EURO", "12.30 EU", "1 2 EUR", ".50 EUR", "5. EUR",
            "1,23 EUR", "12,34.00 EUR", ",123 EUR", "1234,567 EUR", "--1 EUR", "1.2.3 EUR", "12.30EUR", "x EUR", "1_0 EUR",
            "- 1 EUR", "12.30 EUR x", "٣ EUR", "12.30 EUR\n",
        ):
            with self.assertRaises(ValueError, msg=text):
                Money.parse(text)


class TextTest(unittest.TestCase):
    def test_text(self):
        for amount, wanted in {
            1230: "12.30 EUR", 5: "0.05 EUR", -5: "-0.05 EUR", -350: "-3.50 EUR", 0: "0.00 EUR", 123456789: "1234567.89 EUR",
            -100: "-1.00 EUR",
        }.items():
            self.assertEqual(str(Money(amount, "EUR")), wanted)

    def test_round_trip(self):
        for amount in range(-250, 250, 7):
            self.assertEqual(Money.parse(str(Money(amount, "USD"))), Money(amount, "USD"))
