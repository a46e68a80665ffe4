"""From one unit to another."""

from fractions import Fraction

from units.table import OFFSETS, unit


class Incompatible(ValueError):
    pass


def scale(text):
    """(factor, offset, powers): a value in base units is value * factor + offset."""
    if text in OFFSETS:
        factor, offset = OFFSETS[text]
        return factor, offset, unit("K")[1]
    factor, powers = unit(text)
    return factor, Fraction(0), powers


def convert(value, source, target):
    factor, offset, powers = scale(source)
    target_factor, target_offset, target_powers = scale(target)
    if powers != target_powers:
        raise Incompatible("{} is no {}".format(source, target))
    found = (Fraction(value) * factor + offset - target_offset) / target_factor
    return float(found) if isinstance(value, float) else found
