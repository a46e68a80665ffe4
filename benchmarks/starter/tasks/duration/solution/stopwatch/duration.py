"""Durations as text."""

import re
from fractions import Fraction

UNITS = (("d", 86400000), ("h", 3600000), ("m", 60000), ("s", 1000), ("ms", 1))
NUMBER = r"([0-9]+(?:\.[0-9]+)?)"
TEXT = re.compile(r"\s*([+-]?)\s*" + "".join(r"(?:%s\s*%s(?![a-z])\s*)?" % (NUMBER, unit) for unit, _ in UNITS))
BARE = re.compile(r"\s*([+-]?)\s*" + NUMBER + r"\s*")


def parse(text):
    """Seconds: whole ones as an int, others as a float."""
    bare = BARE.fullmatch(text)
    if bare:
        sign, numbers = bare[1], [(bare[2], 1000)]
    else:
        found = TEXT.fullmatch(text)
        sign = found[1] if found else ""
        numbers = [(n, size) for n, (_, size) in zip(found.groups()[1:], UNITS) if n] if found else []
    if not numbers or any("." in number for number, _ in numbers[:-1]):
        raise ValueError("not a duration: {!r}".format(text))
    seconds = sum(Fraction(number) * size for number, size in numbers) / 1000
    if sign == "-":
        seconds = -seconds
    return int(seconds) if seconds.denominator == 1 else float(seconds)


def show(seconds):
    """The notation that `parse` reads, rounded to milliseconds."""
    left = int(abs(Fraction(seconds)) * 1000 + Fraction(1, 2))
    sign = "-" if seconds < 0 and left else ""
    parts = []
    for unit, size in UNITS:
        count, left = divmod(left, size)
        if count:
            parts.append("{}{}".format(count, unit))
    return sign + (" ".join(parts) or "0s")
