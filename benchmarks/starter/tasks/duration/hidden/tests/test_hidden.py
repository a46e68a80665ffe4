import unittest

from stopwatch.duration import parse, show
from stopwatch.log import total


class ParseTest(unittest.TestCase):
    def test_good(self):
        for text, wanted in {
            "1h 30m": 5400, "1h30m": 5400, " 2d  4h ": 187200, "1 h 5 s": 3605, "1.5h": 5400, "1m 2.25s": 62.25, "-1h 30m": -5400, "+5s": 5,
            "90": 90, "1.5": 1.5, "-3": -3, "250ms": 0.25, "1s 500 ms": 1.5, "0s": 0, "1d": 86400, "2000ms": 2, "0.5d": 43200, "1m1ms": 60.001,
            "- 2m": -120, "100m": 6000, "2.0s": 2,
        }.items():
            value = parse(text)
            self.assertEqual(value, wanted, text)
            self.assertIs(type(value), type(wanted), text)

    def test_bad(self):
        for text in ("", " ", "h", "1x", "1m 1h", "1h 1h", "1.5h 3m", "1h -3m", "1 2s", "1h 5", "--1s", "1..5s", ".s", "1,5s", "1H", "s1", "-", "1e3"):
            with self.assertRaises(ValueError, msg=text) as caught:
                parse(text)
            self.assertIn(text, str(caught.exception))


class ShowTest(unittest.TestCase):
    def test_show(self):
        for seconds, wanted in {
            5400: "1h 30m", 90061: "1d 1h 1m 1s", 0: "0s", -5400: "-1h 30m", 0.25: "250ms", 1.5: "1s 500ms", 59.9996: "1m", 86400: "1d",
            3601: "1h 1s", -0.5: "-500ms", 0.0001: "0s", -0.0001: "0s", 0.0005: "1ms", -0.0005: "-1ms", 0.0625: "63ms", 200000: "2d 7h 33m 20s",
        }.items():
            self.assertEqual(show(seconds), wanted, seconds)

    def test_round_trip(self):
        for thousandths in (1, 999, 1000, 1001, 59999, 60000, 3600001, 86399999, 90061001, -1, -61001):
            seconds = thousandths / 1000
            self.assertEqual(parse(show(seconds)), seconds)


class TotalTest(unittest.TestCase):
    def test_total(self):
        self.assertEqual(total(["a: 1m 30s", "b: 31s"]), "2m 1s")
        self.assertEqual(total(["step: build: 30s", "nothing here", "x:1h"]), "1h 30s")
        self.assertEqual(total([]), "0s")

    def test_bad_line(self):
        with self.assertRaises(ValueError):
            total(["a: soon"])
