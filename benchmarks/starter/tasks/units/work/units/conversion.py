"""From one unit to another."""

from units.table import LENGTHS


def convert(value, source, target):
    return value * LENGTHS[source] / LENGTHS[target]
