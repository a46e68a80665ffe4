"""Dates that recur."""

import calendar
import datetime


def monthly(start, months=1):
    date = start
    while True:
        yield date
        month = date.month - 1 + months
        year, month = date.year + month // 12, month % 12 + 1
        date = datetime.date(year, month, min(date.day, calendar.monthrange(year, month)[1]))


def yearly(start, years=1):
    return monthly(start, 12 * years)
