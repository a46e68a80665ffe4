"""Sums over a log of steps."""

from stopwatch.duration import parse, show


def total(lines):
    return show(sum(parse(line.split(":")[1]) for line in lines))
