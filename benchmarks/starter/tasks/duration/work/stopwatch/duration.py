"""Durations as text."""

UNITS = {"h": 3600, "m": 60, "s": 1}


def parse(text):
    seconds = 0
    for part in text.split():
        seconds += int(part[:-1]) * UNITS[part[-1]]
    return seconds


def show(seconds):
    hours, rest = divmod(seconds, 3600)
    minutes, seconds = divmod(rest, 60)
    return "{}h {}m {}s".format(hours, minutes, seconds)
