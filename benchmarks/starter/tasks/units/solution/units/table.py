"""What units are worth: a factor, and the powers of m, g, s and K."""

import re
from fractions import Fraction

BASE = ("m", "g", "s", "K")
PREFIXES = {"k": 3, "M": 6, "G": 9, "c": -2, "m": -3, "u": -6, "n": -9}
PREFIXED = ("m", "g", "s", "K", "l", "t", "N", "J", "W", "Hz")
DEFINED = {
    "min": ("60", "s"),
    "h": ("3600", "s"),
    "d": ("86400", "s"),
    "mile": ("1609.344", "m"),
    "ft": ("0.3048", "m"),
    "inch": ("0.0254", "m"),
    "l": ("0.001", "m^3"),
    "t": ("1000000", "g"),
    "N": ("1000", "g*m/s^2"),
    "J": ("1", "N*m"),
    "W": ("1", "J/s"),
    "Hz": ("1", "1/s"),
    "lb": ("453.59237", "g"),
}
OFFSETS = {"degC": (Fraction(1), Fraction(27315, 100)), "degF": (Fraction(5, 9), Fraction(45967, 180))}
"""Kelvin for each degree, and kelvin at zero degrees."""
POWER = re.compile(r"([A-Za-z]+|1)(?:\^(-?[0-9]+))?")


class UnknownUnit(ValueError):
    pass


def unit(text):
    """(factor, powers of the base units) of a compound unit."""
    factor, powers = Fraction(1), [0] * len(BASE)
    parts = re.split(r"([*/])", text)
    for sign, part in zip(["*"] + parts[1::2], parts[::2]):
        found = POWER.fullmatch(part)
        if not found:
            raise UnknownUnit("not a unit: {!r}".format(part))
        worth, dimension = _single(found[1])
        exponent = int(found[2] or 1) * (1 if sign == "*" else -1)
        factor *= worth**exponent
        powers = [a + b * exponent for a, b in zip(powers, dimension)]
    return factor, powers


def _single(name):
    if name == "1":
        return Fraction(1), [0] * len(BASE)
    if name in BASE:
        return Fraction(1), [int(name == base) for base in BASE]
    if name in DEFINED:
        number, definition = DEFINED[name]
        factor, powers = unit(definition)
        return Fraction(number) * factor, powers
    if name[:1] in PREFIXES and name[1:] in PREFIXED:
        factor, powers = _single(name[1:])
        return factor * Fraction(10) ** PREFIXES[name[0]], powers
    raise UnknownUnit("not a unit: {!r}".format(name))
