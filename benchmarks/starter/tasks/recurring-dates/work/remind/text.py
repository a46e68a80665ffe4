"""Reminders for people."""


def upcoming(rule, today, count):
    dates = []
    for date in rule:
        if date > today:
            dates.append(date.isoformat())
        if len(dates) == count:
            break
    return dates
