import random
import unittest

import tables
from tables import TableError, read, records, write


class WriteTest(unittest.TestCase):
    def test_bare(self):
        self.assertEqual(write([["a", 1, 2.5], ["in side", "x;y"]]), "a,1,2.5\nin side,x;y\n")

    def test_quoted(self):
        for field, wanted in {
            "a,b": '"a,b"', 'a"b': '"a""b"', '"': '""""', "a\nb": '"a\nb"', "a\rb": '"a\rb"', " a": '" a"', "a ": '"a "', "": '""',
        }.items():
            self.assertEqual(write([[field, "x"]]), wanted + ",x\n", field)

    def test_nothing(self):
        self.assertEqual(write([]), "")
        self.assertEqual(write([[]]), "\n")
        self.assertEqual(write([[None]]), "\n")
        self.assertEqual(write([[None, None]]), ",\n")
        self.assertEqual(write([["a"], [], ["b"]]), "a\n\nb\n")


class ReadTest(unittest.TestCase):
    def test_rows(self):
        for text, wanted in {
            "": [],
            "a": [["a"]],
            "a\n": [["a"]],
            "a,b\r\nc,d\r\n": [["a", "b"], ["c", "d"]],
            "a\n\nb": [["a"], [], ["b"]],
            "\n": [[]],
            "\r\n\r\n": [[], []],
            ",": [[None, None]],
            'a,,""': [["a", None, ""]],
            '"a,""b""",c': [['a,"b"', "c"]],
            '"two\r\nlines",x\ny,z': [["two\r\nlines", "x"], ["y", "z"]],
            " a , b ": [[" a ", " b "]],
            '""': [[""]],
            "a\u2028b\x0cc,d": [["a\u2028b\x0cc", "d"]],
            "a,": [["a", None]],
            'a,"x"\r\n': [["a", "x"]],
        }.items():
            self.assertEqual(read(text), wanted, repr(text))

    def test_errors(self):
        for text, line in {
            'a"b': 1, 'a\nb,c"': 2, '"a"b': 1, '"a\nb"x': 2, 'a\nb\n"c\nd': 3, '"': 1, 'a, "b"': 1, '"a" ,b': 1, '"x\ny"\nz"': 3,
        }.items():
            with self.assertRaises(TableError, msg=repr(text)) as caught:
                read(text)
            self.assertEqual(caught.exception.line, line, repr(text))
        self.assertTrue(issubclass(TableError, ValueError))

    def test_round_trip(self):
        rng = random.Random(4)
        pieces = ["a", "b", ",", '"', "\n", "\r\n", " ", "é"]
        for _ in range(400):
            fields = [None if rng.random() < 0.1 else "".join(rng.choices(pieces, k=rng.randrange(5))) for _ in range(rng.randrange(2, 5))]
            rows = [fields, fields[::-1], []]
            self.assertEqual(read(write(rows)), rows)


class RecordsTest(unittest.TestCase):
    def test_records(self):
        text = 'name,note\nann,"x\ny"\nbob,\n'
        self.assertEqual(list(records(text)), [{"name": "ann", "note": "x\ny"}, {"name": "bob", "note": None}])

    def test_no_rows(self):
        self.assertEqual(list(records("")), [])
        self.assertEqual(list(records("a,b\n")), [])

    def test_wrong_width(self):
        found = records('a,b\n1,"2\n3"\n4\n')
        self.assertEqual(next(found), {"a": "1", "b": "2\n3"})
        with self.assertRaises(TableError) as caught:
            next(found)
        self.assertEqual(caught.exception.line, 4)

    def test_row_that_starts_earlier(self):
        with self.assertRaises(TableError) as caught:
            list(records('a,b\n1,2\n"x\ny\nz"\n'))
        self.assertEqual(caught.exception.line, 3)

    def test_lazy(self):
        found = records('a\n1\n2\n"never closed')
        self.assertEqual([next(found), next(found)], [{"a": "1"}, {"a": "2"}])
        with self.assertRaises(TableError):
            next(found)


class SourceTest(unittest.TestCase):
    def test_names(self):
        for name in ("read", "write", "records", "TableError"):
            self.assertTrue(hasattr(tables, name))
