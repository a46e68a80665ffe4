"""Reminders for people."""

import itertools


def upcoming(rule, today, count):
    return [date.isoformat() for date in itertools.islice((date for date in rule if date >= today), count)]
