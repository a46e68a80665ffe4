import unittest

import tables


class TablesTest(unittest.TestCase):
    def test_plain(self):
        self.assertEqual(tables.read("a,b\n1,2\n"), [["a", "b"], ["1", "2"]])

    def test_write(self):
        self.assertEqual(tables.write([["a", 1], ["b", None]]), "a,1\nb,\n")

    def test_quotes(self):
        rows = [['say "hi"', "x,y"], ["two\nlines", ""]]
        self.assertEqual(tables.read(tables.write(rows)), rows)

    def test_records(self):
        self.assertEqual(list(tables.records("a,b\n1,2\n")), [{"a": "1", "b": "2"}])
