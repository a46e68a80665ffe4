import unittest
from fractions import Fraction

from units import convert


class ConvertTest(unittest.TestCase):
    def test_length(self):
        self.assertEqual(convert(2, "km", "m"), 2000)

    def test_speed(self):
        self.assertEqual(convert(36, "km/h", "m/s"), 10)

    def test_exact(self):
        self.assertEqual(convert(1, "ft", "mile"), Fraction(1, 5280))

    def test_incompatible(self):
        with self.assertRaises(ValueError):
            convert(1, "m", "s")
