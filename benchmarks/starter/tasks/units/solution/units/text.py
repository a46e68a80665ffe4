"""Quantities as text."""

import re
from fractions import Fraction

from units.conversion import scale

QUANTITY = re.compile(r"([+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?) +(\S+)")


def parse(text):
    found = QUANTITY.fullmatch(text)
    if not found:
        raise ValueError("not a quantity: {!r}".format(text))
    scale(found[2])
    return Fraction(found[1]), found[2]
