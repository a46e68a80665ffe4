"""Spans for people."""

from hours.spans import merge


def clock(minutes):
    return "{}:{:02}".format(minutes // 60, minutes % 60)


def show(spans):
    return ", ".join("{}-{}".format(clock(start), clock(end)) for start, end in merge(spans)) or "closed"
