import unittest

from globs import matches, select


class MatchesTest(unittest.TestCase):
    def test_star(self):
        self.assertTrue(matches("*.py", "main.py"))
        self.assertFalse(matches("*.py", "main.txt"))

    def test_star_stops_at_a_slash(self):
        self.assertFalse(matches("*.py", "src/main.py"))

    def test_two_stars(self):
        self.assertTrue(matches("src/**/test.py", "src/a/b/test.py"))
        self.assertTrue(matches("src/**/test.py", "src/test.py"))

    def test_braces(self):
        self.assertTrue(matches("*.{py,txt}", "a.txt"))


class SelectTest(unittest.TestCase):
    def test_exclude(self):
        self.assertEqual(select(["a.py", "b.py", "c"], ["*.py", "!b*"]), ["a.py"])
