import datetime
import itertools
import unittest

from remind import rules
from remind.text import upcoming


def first(count, rule):
    return [date.isoformat() for date in itertools.islice(rule, count)]


class RulesTest(unittest.TestCase):
    def test_monthly(self):
        start = datetime.date(2023, 1, 15)
        self.assertEqual(first(3, rules.monthly(start)), ["2023-01-15", "2023-02-15", "2023-03-15"])

    def test_end_of_month(self):
        start = datetime.date(2023, 1, 31)
        self.assertEqual(first(3, rules.monthly(start)), ["2023-01-31", "2023-02-28", "2023-03-31"])

    def test_weekly(self):
        start = datetime.date(2024, 5, 1)
        self.assertEqual(first(3, rules.weekly(start, {0, 2})), ["2024-05-01", "2024-05-06", "2024-05-08"])

    def test_upcoming(self):
        rule = rules.monthly(datetime.date(2023, 1, 15))
        self.assertEqual(upcoming(rule, datetime.date(2023, 2, 1), 1), ["2023-02-15"])
