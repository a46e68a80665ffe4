import datetime
import itertools
import unittest

from remind import rules
from remind.text import upcoming

D = datetime.date


def first(count, rule):
    return [date.isoformat() for date in itertools.islice(rule, count)]


class MonthlyTest(unittest.TestCase):
    def test_last_days(self):
        self.assertEqual(
            first(5, rules.monthly(D(2023, 1, 31))), ["2023-01-31", "2023-02-28", "2023-03-31", "2023-04-30", "2023-05-31"]
        )
        self.assertEqual(first(3, rules.monthly(D(2023, 11, 30), 3)), ["2023-11-30", "2024-02-29", "2024-05-30"])

    def test_leap_days(self):
        self.assertEqual(
            first(5, rules.yearly(D(2020, 2, 29))), ["2020-02-29", "2021-02-28", "2022-02-28", "2023-02-28", "2024-02-29"]
        )
        self.assertEqual(first(2, rules.yearly(D(2020, 2, 29), 4)), ["2020-02-29", "2024-02-29"])

    def test_end_of_time(self):
        self.assertEqual(first(9, rules.monthly(D(9999, 11, 30))), ["9999-11-30", "9999-12-30"])
        self.assertEqual(first(9, rules.yearly(D(9998, 5, 5), 3)), ["9998-05-05"])


class WeeklyTest(unittest.TestCase):
    def test_weekly(self):
        self.assertEqual(first(4, rules.weekly(D(2024, 5, 2), {0, 2, 4})), ["2024-05-03", "2024-05-06", "2024-05-08", "2024-05-10"])
        self.assertEqual(first(2, rules.weekly(D(2024, 5, 5), [6])), ["2024-05-05", "2024-05-12"])

    def test_every_other_week(self):
        self.assertEqual(first(4, rules.weekly(D(2024, 5, 2), {1, 3}, 2)), ["2024-05-02", "2024-05-14", "2024-05-16", "2024-05-28"])
        self.assertEqual(first(2, rules.weekly(D(2024, 5, 5), {0}, 2)), ["2024-05-13", "2024-05-27"])

    def test_end_of_time(self):
        self.assertEqual(first(9, rules.weekly(D(9999, 12, 30), {3, 4, 5})), ["9999-12-30", "9999-12-31"])


class NthTest(unittest.TestCase):
    def test_second_tuesday(self):
        self.assertEqual(first(2, rules.nth_weekday(D(2024, 5, 1), 2, 1)), ["2024-05-14", "2024-06-11"])
        self.assertEqual(first(2, rules.nth_weekday(D(2024, 5, 15), 2, 1)), ["2024-06-11", "2024-07-09"])

    def test_last(self):
        self.assertEqual(first(3, rules.nth_weekday(D(2024, 2, 1), -1, 3)), ["2024-02-29", "2024-03-28", "2024-04-25"])

    def test_fifth(self):
        self.assertEqual(first(3, rules.nth_weekday(D(2024, 1, 1), 5, 0)), ["2024-01-29", "2024-04-29", "2024-07-29"])

    def test_step(self):
        self.assertEqual(first(3, rules.nth_weekday(D(2024, 1, 20), 1, 0, 3)), ["2024-04-01", "2024-07-01", "2024-10-07"])

    def test_end_of_time(self):
        self.assertEqual(first(9, rules.nth_weekday(D(9999, 11, 1), 1, 0)), ["9999-11-01", "9999-12-06"])


class WorkdaysTest(unittest.TestCase):
    def test_weekend(self):
        rule = [D(2024, 5, 3), D(2024, 5, 4), D(2024, 5, 5), D(2024, 5, 7)]
        self.assertEqual(first(9, rules.workdays(rule)), ["2024-05-03", "2024-05-06", "2024-05-07"])
        self.assertEqual(first(9, rules.workdays(rule, forward=False)), ["2024-05-03", "2024-05-07"])

    def test_holidays(self):
        holidays = [D(2024, 5, 6), D(2024, 5, 1)]
        rule = [D(2024, 5, 1), D(2024, 5, 4), D(2024, 5, 7)]
        self.assertEqual(first(9, rules.workdays(rule, holidays)), ["2024-05-02", "2024-05-07"])
        self.assertEqual(first(9, rules.workdays(rule, iter(holidays), forward=False)), ["2024-04-30", "2024-05-03", "2024-05-07"])

    def test_lazy(self):
        self.assertEqual(first(2, rules.workdays(rules.monthly(D(2024, 6, 1)))), ["2024-06-03", "2024-07-01"])

    def test_end_of_time(self):
        self.assertEqual(first(9, rules.workdays([D(9999, 12, 30), D(9999, 12, 31)], [D(9999, 12, 31)])), ["9999-12-30"])


class ErrorTest(unittest.TestCase):
    def test_errors_come_at_once(self):
        start = D(2024, 1, 1)
        for call in (
            lambda: rules.monthly(start, 0), lambda: rules.yearly(start, -1), lambda: rules.weekly(start, {0}, 0), lambda: rules.weekly(start, set()),
            lambda: rules.weekly(start, {7}), lambda: rules.weekly(start, {-1}), lambda: rules.nth_weekday(start, 0, 0), lambda: rules.nth_weekday(start, 6, 0),
            lambda: rules.nth_weekday(start, -2, 0), lambda: rules.nth_weekday(start, 1, 7), lambda: rules.nth_weekday(start, 1, 0, 0),
        ):
            with self.assertRaises(ValueError):
                call()


class UpcomingTest(unittest.TestCase):
    def test_today_counts(self):
        rule = rules.monthly(D(2023, 1, 31))
        self.assertEqual(upcoming(rule, D(2023, 2, 28), 2), ["2023-02-28", "2023-03-31"])

    def test_end(self):
        self.assertEqual(upcoming([D(2023, 1, 1), D(2023, 1, 2)], D(2023, 1, 2), 5), ["2023-01-02"])
        self.assertEqual(upcoming(rules.monthly(D(2023, 1, 1)), D(2023, 1, 1), 0), [])
