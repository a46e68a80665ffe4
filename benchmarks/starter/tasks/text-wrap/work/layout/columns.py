"""Texts beside each other."""

from layout.wrapping import wrap


def side_by_side(left, right, width, gap=2):
    return [a + " " * gap + b for a, b in zip(wrap(left, width), wrap(right, width))]
