"""The last few numbers."""

import collections
import math
from fractions import Fraction


class Window:
    """Statistics are computed from what is in the window, so nothing can drift."""

    def __init__(self, size):
        if size < 1:
            raise ValueError("a window has a size of at least 1")
        self._numbers = collections.deque(maxlen=size)

    def __len__(self):
        return len(self._numbers)

    def __iter__(self):
        return iter(list(self._numbers))

    def add(self, x):
        if not math.isfinite(x):
            raise ValueError("not a finite number: {}".format(x))
        self._numbers.append(x)

    @property
    def mean(self):
        return self._told(self.exact_mean())

    @property
    def variance(self):
        return self._told(self.exact_variance())

    @property
    def median(self):
        ordered = sorted(self._numbers)
        if not ordered:
            return None
        low, high = ordered[(len(ordered) - 1) // 2], ordered[len(ordered) // 2]
        return low if low == high else self._told((Fraction(low) + Fraction(high)) / 2)

    @property
    def minimum(self):
        return min(self._numbers, default=None)

    @property
    def maximum(self):
        return max(self._numbers, default=None)

    def exact_mean(self):
        if self._numbers:
            return sum(map(Fraction, self._numbers)) / len(self._numbers)
        return None

    def exact_variance(self):
        if not self._numbers:
            return None
        mean = self.exact_mean()
        return sum((Fraction(x) - mean) ** 2 for x in self._numbers) / len(self._numbers)

    def _told(self, value):
        floats = any(isinstance(x, float) for x in self._numbers)
        return float(value) if floats else value
