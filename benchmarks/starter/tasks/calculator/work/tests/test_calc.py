import unittest

from calc import FormulaError, evaluate


class CalcTest(unittest.TestCase):
    def test_left_to_right(self):
        self.assertEqual(evaluate("10 - 3 - 2"), 5)

    def test_precedence(self):
        self.assertEqual(evaluate("1 + 2 * 3"), 7)
        self.assertEqual(evaluate("(1 + 2) * 3"), 9)

    def test_power(self):
        self.assertEqual(evaluate("-2 ** 2"), -4)

    def test_names(self):
        self.assertEqual(evaluate("2 * x_1", {"x_1": 4}), 8)

    def test_calls(self):
        self.assertEqual(evaluate("max(1, 2 + 3, 4)"), 5)

    def test_position(self):
        with self.assertRaises(FormulaError) as caught:
            evaluate("1 + * 2")
        self.assertEqual(caught.exception.position, 4)
