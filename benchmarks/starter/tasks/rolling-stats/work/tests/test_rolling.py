import itertools
import unittest

from rolling import Window
from rolling.series import smooth


class WindowTest(unittest.TestCase):
    def test_mean(self):
        window = Window(2)
        for number in (1, 2, 4):
            window.add(number)
        self.assertEqual(window.mean, 3)

    def test_no_drift(self):
        window = Window(2)
        for number in (1e16, 1.0, 2.0):
            window.add(number)
        self.assertEqual(window.mean, 1.5)
        self.assertEqual(window.variance, 0.25)

    def test_median(self):
        window = Window(3)
        for number in (9, 1, 5):
            window.add(number)
        self.assertEqual(window.median, 5)

    def test_empty(self):
        self.assertIsNone(Window(1).mean)

    def test_smooth(self):
        self.assertEqual(list(smooth([1, 3, 5], 2)), [1.0, 2.0, 4.0])
