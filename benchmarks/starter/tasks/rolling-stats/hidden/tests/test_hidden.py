import itertools
import random
import unittest
from fractions import Fraction

from rolling import Window
from rolling.series import outliers, smooth


def filled(size, *numbers):
    window = Window(size)
    for number in numbers:
        window.add(number)
    return window


class WindowTest(unittest.TestCase):
    def test_exact(self):
        window = filled(3, 100, 1, 2, 4)
        self.assertEqual(window.mean, Fraction(7, 3))
        self.assertIsInstance(window.mean, Fraction)
        self.assertEqual(window.variance, Fraction(14, 9))
        self.assertIsInstance(window.variance, Fraction)
        self.assertEqual(filled(2, Fraction(1, 3), Fraction(1, 6)).mean, Fraction(1, 4))

    def test_large_whole_numbers(self):
        self.assertEqual(filled(2, 10**30, 10**30 + 2).variance, 1)

    def test_floats(self):
        rng = random.Random(8)
        window = Window(5)
        last = []
        for n in range(500):
            number = rng.uniform(-1, 1) * 10 ** rng.randrange(-6, 17) if n % 7 else rng.uniform(1e8, 1e8 + 1)
            window.add(number)
            last = (last + [Fraction(number)])[-5:]
            mean = sum(last) / len(last)
            variance = sum((x - mean) ** 2 for x in last) / len(last)
            self.assertLessEqual(abs(Fraction(window.mean) - mean), abs(mean) * Fraction(1, 10**12))
            self.assertLessEqual(abs(Fraction(window.variance) - variance), variance * Fraction(1, 10**12))

    def test_shifted_floats(self):
        window = filled(3, 1e9 + 0.25, 1e9 + 0.5, 1e9 + 0.75)
        self.assertAlmostEqual(window.variance, 1 / 24, places=12)
        self.assertEqual(filled(2, 5.0, 5.0).variance, 0)

    def test_median(self):
        for numbers, wanted in {(9, 1, 5): 5, (4, 1): 2.5, (7,): 7, (3, 3, 1, 2): 2.5, (1, 9, 9, 1, 9): 9}.items():
            self.assertEqual(filled(9, *numbers).median, wanted, numbers)
        self.assertEqual(filled(3, 100, 1, 2, 3).median, 2)

    def test_extremes_forget(self):
        window = filled(2, 9, 1, 5)
        self.assertEqual((window.minimum, window.maximum), (1, 5))
        window.add(5)
        window.add(4)
        self.assertEqual((window.minimum, window.maximum), (4, 5))

    def test_empty(self):
        window = Window(3)
        for name in ("mean", "variance", "median", "minimum", "maximum"):
            self.assertIsNone(getattr(window, name), name)
        self.assertEqual((len(window), list(window)), (0, []))

    def test_iteration(self):
        window = filled(3, 1, 5, 2, 4)
        self.assertEqual((len(window), list(window)), (3, [5, 2, 4]))

    def test_bad_numbers(self):
        window = filled(2, 1, 2)
        for number in (float("nan"), float("inf"), float("-inf")):
            with self.assertRaises(ValueError):
                window.add(number)
        self.assertEqual(list(window), [1, 2])

    def test_bad_size(self):
        for size in (0, -3):
            with self.assertRaises(ValueError):
                Window(size)

    def test_size_one(self):
        window = filled(1, 3, 8)
        self.assertEqual((window.mean, window.variance, window.median), (8, 0, 8))


class SmoothTest(unittest.TestCase):
    def test_floats(self):
        means = list(smooth([1, 3, 5, 7], 3))
        self.assertEqual(means, [1.0, 2.0, 3.0, 5.0])
        self.assertTrue(all(type(mean) is float for mean in means))

    def test_endless(self):
        self.assertEqual(list(itertools.islice(smooth(itertools.count(), 2), 4)), [0.0, 0.5, 1.5, 2.5])

    def test_reads_no_further_than_needed(self):
        source = iter([2, 4, 6])
        means = smooth(source, 2)
        next(means)
        self.assertEqual(next(source), 4)


class OutlierTest(unittest.TestCase):
    def test_outliers(self):
        self.assertEqual(list(outliers([1, 2, 1, 2, 9, 1, 2], 4, 3)), [(4, 9)])
        self.assertEqual(list(outliers([99, 1, 99], 3, 1)), [])

    def test_exactly_on_the_edge(self):
        self.assertEqual(list(outliers([0, 2, 3], 2, 2)), [])
        self.assertEqual(list(outliers([0, 2, 4], 2, 2)), [(2, 4)])
        self.assertEqual(list(outliers([1, 1, 2, 2, 5, 5, 0], 6, 2)), [])
        self.assertEqual(list(outliers([10**20, 10**20 + 2, 10**20 + 3, 10**20 - 1], 2, 2)), [(3, 10**20 - 1)])

    def test_equal_values(self):
        self.assertEqual(list(outliers([5, 5, 5, 6, 5], 3, 100)), [(3, 6)])

    def test_lazy(self):
        numbers = itertools.chain([0, 1, 0, 1, 50], itertools.count())
        self.assertEqual(next(outliers(numbers, 4, 2)), (4, 50))
