"""Rolling statistics of a series."""

from rolling.window import Window


def smooth(values, size):
    window = Window(size)
    means = []
    for value in values:
        window.add(value)
        means.append(window.mean)
    return means
