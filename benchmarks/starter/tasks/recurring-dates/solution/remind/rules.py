"""Dates that recur."""

import calendar
import datetime

DAY = datetime.timedelta(days=1)
WEEKDAYS = frozenset(range(7))


def monthly(start, months=1):
    _check(months >= 1, "months must be at least 1")
    return _monthly(start, months)


def _monthly(start, months):
    for year, month in _months(start, months):
        yield datetime.date(year, month, min(start.day, calendar.monthrange(year, month)[1]))


def yearly(start, years=1):
    _check(years >= 1, "years must be at least 1")
    return monthly(start, 12 * years)


def weekly(start, weekdays, weeks=1):
    days = sorted(set(weekdays))
    _check(weeks >= 1, "weeks must be at least 1")
    _check(days and WEEKDAYS.issuperset(days), "weekdays must be from 0 to 6")
    return _weekly(start, days, weeks)


def _weekly(start, days, weeks):
    monday = start.toordinal() - start.weekday()
    while True:
        for day in days:
            if monday + day > datetime.date.max.toordinal():
                return
            if monday + day >= start.toordinal():
                yield datetime.date.fromordinal(monday + day)
        monday += 7 * weeks


def nth_weekday(start, n, weekday, months=1):
    _check(months >= 1, "months must be at least 1")
    _check(n in (1, 2, 3, 4, 5, -1), "n must be from 1 to 5, or -1")
    _check(weekday in WEEKDAYS, "weekday must be from 0 to 6")
    return _nth_weekday(start, n, weekday, months)


def _nth_weekday(start, n, weekday, months):
    for year, month in _months(start, months):
        first, length = calendar.monthrange(year, month)
        days = range(1 + (weekday - first) % 7, length + 1, 7)
        if n <= len(days):
            date = datetime.date(year, month, days[n - 1 if n > 0 else n])
            if date >= start:
                yield date


def workdays(rule, holidays=(), forward=True):
    return _workdays(rule, frozenset(holidays), DAY if forward else -DAY)


def _workdays(rule, holidays, step):
    last = None
    for date in rule:
        try:
            while date.weekday() >= 5 or date in holidays:
                date += step
        except OverflowError:
            return
        if date != last:
            yield date
        last = date


def _months(start, step):
    """(year, month) of every `step`-th month from that of `start`."""
    for number in range(start.year * 12 + start.month - 1, 10000 * 12, step):
        yield number // 12, number % 12 + 1


def _check(good, text):
    if not good:
        raise ValueError(text)
