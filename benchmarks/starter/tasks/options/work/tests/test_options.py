import unittest

from options import Parser


class ParserTest(unittest.TestCase):
    def setUp(self):
        self.parser = Parser()
        self.parser.flag("verbose", "v")
        self.parser.value("number", "n", 1, int)
        self.parser.many("file")

    def test_long(self):
        settings, rest = self.parser.parse(["--verbose", "--number", "3", "a"])
        self.assertEqual(settings, {"verbose": True, "number": 3, "file": []})
        self.assertEqual(rest, ["a"])

    def test_short(self):
        self.assertEqual(self.parser.parse(["-vn5"])[0], {"verbose": True, "number": 5, "file": []})

    def test_equals(self):
        self.assertEqual(self.parser.parse(["--file=a", "--file=b"])[0]["file"], ["a", "b"])

    def test_unknown(self):
        with self.assertRaises(ValueError):
            self.parser.parse(["--size", "3"])
