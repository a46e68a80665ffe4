import unittest

from stopwatch.duration import parse, show
from stopwatch.log import total


class DurationTest(unittest.TestCase):
    def test_parse(self):
        self.assertEqual(parse("1h 30m"), 5400)

    def test_parse_without_blanks(self):
        self.assertEqual(parse("1h30m"), 5400)

    def test_show(self):
        self.assertEqual(show(5400), "1h 30m")
        self.assertEqual(show(0), "0s")

    def test_total(self):
        self.assertEqual(total(["build: 50s", "step: tests: 40s", "done"]), "1m 30s")
