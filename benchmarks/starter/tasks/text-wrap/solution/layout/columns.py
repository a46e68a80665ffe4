"""Texts beside each other."""

import itertools

from layout.wrapping import wrap


def side_by_side(left, right, width, gap=2):
    pairs = itertools.zip_longest(wrap(left, width), wrap(right, width), fillvalue="")
    return [(a.ljust(width + gap) + b).rstrip() for a, b in pairs]
