"""Spans for people."""


def clock(minutes):
    return "{}:{}".format(minutes // 60, minutes % 60)


def show(spans):
    return ", ".join("{}-{}".format(clock(start), clock(end)) for start, end in spans)
