"""Rolling statistics of a series."""

from fractions import Fraction

from rolling.window import Window


def smooth(values, size):
    window = Window(size)
    for value in values:
        window.add(value)
        yield float(window.mean)


def outliers(values, size, factor):
    window = Window(size)
    for index, value in enumerate(values):
        if len(window) == size:
            away = (Fraction(value) - window.exact_mean()) ** 2
            if away > window.exact_variance() * Fraction(factor) ** 2:
                yield index, value
        window.add(value)
