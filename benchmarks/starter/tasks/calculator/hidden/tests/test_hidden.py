import unittest

from calc import FormulaError, evaluate


class ValueTest(unittest.TestCase):
    def test_numbers(self):
        for text, wanted in {"12": 12, "1.5": 1.5, ".5": 0.5, "2.": 2.0, "1e3": 1000.0, "2.5E-1": 0.25, "1E+2": 100.0, " 7\t": 7}.items():
            value = evaluate(text)
            self.assertEqual(value, wanted)
            self.assertIs(type(value), type(wanted), text)

    def test_operators(self):
        for text in (
            "10 - 3 - 2", "1 + 2 * 3", "(1 + 2) * 3", "7 // 2", "-7 // 2", "-7 % 3", "7 / 2", "2 * 3 % 4", "100 / 10 / 5", "2 ** 3 ** 2",
            "-2 ** 2", "2 ** -1", "2 ** -2 ** 2", "--3", "+-+3", "2 - -2", "2 * -3", "-(1 + 2)", "(-2) ** 2", "((((5))))", "1 - 2 + 3",
            "2*3**2", "1.5 * 2", "10 // 3 * 3 + 10 % 3", "-2 * -2", "5 % -3", "-2 ** -2",
        ):
            self.assertEqual(evaluate(text), eval(text), text)

    def test_blanks_mean_nothing(self):
        self.assertEqual(evaluate("\t1+2 *\t3 "), 7)
        self.assertEqual(evaluate("4//2"), 2)
        self.assertEqual(evaluate("2**3"), 8)

    def test_names(self):
        self.assertEqual(evaluate("a * a_2 + _b", {"a": 2, "a_2": 3, "_b": 4}), 10)
        self.assertEqual(evaluate("max + 1", {"max": 2}), 3)
        self.assertEqual(evaluate("max(max, 1)", {"max": 2}), 2)
        self.assertEqual(evaluate("e1 + E", {"e1": 1, "E": 2}), 3)

    def test_calls(self):
        self.assertEqual(evaluate("min(3, 1, 2)"), 1)
        self.assertEqual(evaluate("max(4)"), 4)
        self.assertEqual(evaluate("abs(-3) + round(2.567, 2) + round(2.4)"), 3 + 2.57 + 2)
        self.assertEqual(evaluate("max(min(1, 2), -max(3, 4)) ** 2"), 1)
        self.assertEqual(evaluate("-abs (-2)"), -2)

    def test_deep(self):
        self.assertEqual(evaluate("(" * 100 + "1" + ")" * 100), 1)
        self.assertEqual(evaluate("+".join(["1"] * 2000)), 2000)


class ErrorTest(unittest.TestCase):
    def check(self, cases, names=None):
        for text, position in cases.items():
            with self.assertRaises(FormulaError, msg=text) as caught:
                evaluate(text, names)
            self.assertEqual(caught.exception.position, position, text)

    def test_is_a_value_error(self):
        self.assertTrue(issubclass(FormulaError, ValueError))

    def test_token_that_cannot_be_there(self):
        self.check({"1 + * 2": 4, "1 2": 2, ")": 0, "(1))": 3, "1 + $": 4, "2 @ 3": 2, "(1 2)": 3, "()": 1, "1 , 2": 2, "1..2": 2, "/ 2": 0})

    def test_too_early(self):
        self.check({"": 0, "  ": 2, "1 +": 3, "(1 + 2": 6, "-": 1, "max(1,": 6, "max(": 4, "2 ** ": 5})

    def test_names(self):
        self.check({"1 + nothing": 4, "nope(1)": 0, "max": 0, "2 * (x + y)": 9}, {"x": 1})

    def test_a_value_cannot_be_called(self):
        self.check({"x(1)": 0, "2(3)": 1, "(x)(1)": 3}, {"x": 1})

    def test_arguments(self):
        self.check({"1 + abs()": 8, "abs(1, 2)": 0, "round(1, 2, 3)": 0, "min(1,)": 6, "max(,1)": 4})

    def test_division(self):
        self.check({"1 / 0": 2, "1 + 4 // (2 - 2)": 6, "5 % 0": 2, "0 ** -1": 2, "1 / (1 - 1) / 2": 2, "2 / 0.0": 2})

    def test_complex(self):
        self.check({"(0 - 8) ** 0.5": 8})

    def test_numbers_run_into_names(self):
        self.check({"2x": 1, "1e": 1, "1_000": 1}, {"x": 1, "e": 1, "_000": 1})
