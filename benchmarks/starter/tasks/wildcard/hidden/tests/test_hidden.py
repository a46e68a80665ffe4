import unittest

from globs import matches, select


class MatchesTest(unittest.TestCase):
    def check(self, pattern, yes=(), no=()):
        for path in yes:
            self.assertTrue(matches(pattern, path), (pattern, path))
        for path in no:
            self.assertFalse(matches(pattern, path), (pattern, path))

    def test_ordinary(self):
        self.check("a.b+(c)", ["a.b+(c)"], ["axb+(c)", "a.bb(c)", "A.b+(c)", "a.b+(c)x", "xa.b+(c)"])
        self.check("", [""], ["a"])
        self.check("a$^|", ["a$^|"])

    def test_star(self):
        self.check("*.py", [".py", "main.py", "a.b.py"], ["src/main.py", "main.pyc", "main.py\n"])
        self.check("a*/b", ["a/b", "axx/b"], ["a/x/b"])
        self.check("a**b", ["ab", "axb"], ["a/b"])
        self.check("*", ["", "a", "a\nb"], ["a/b"])

    def test_question_mark(self):
        self.check("?", ["a", "\n"], ["", "/", "ab"])
        self.check("a?c", ["abc"], ["a/c", "ac"])

    def test_two_stars(self):
        self.check("src/**/test.py", ["src/test.py", "src/a/test.py", "src/a/b/test.py"], ["test.py", "src/xtest.py", "src/a/b/xtest.py"])
        self.check("**/x", ["x", "a/x", "a/b/x"], ["ax", "a/bx", "x/a"])
        self.check("src/**", ["src/a", "src/a/b.c"], ["src", "srcs/a"])
        self.check("**", ["a", "a/b", "a/b/c"])
        self.check("a/**/b/**/c", ["a/b/c", "a/x/b/y/z/c", "a/b/b/c"], ["a/c", "a/b/x"])
        self.check("**/*.py", ["a.py", "x/a.py"], ["a.pyc"])

    def test_sets(self):
        self.check("[abc]x", ["ax", "cx"], ["dx", "x", "abx"])
        self.check("[a-cx]", ["a", "b", "x"], ["d", "-", ""])
        self.check("[!a-c]", ["d", "-", "^"], ["a", "/", ""])
        self.check("[]a]", ["]", "a"], ["b"])
        self.check("[!]a]", ["b", "["], ["]", "a"])
        self.check("[-a]", ["-", "a"], ["b"])
        self.check("[a-]", ["-", "a"], ["b"])
        self.check("[^a]", ["^", "a"], ["b"])
        self.check("[\\]x", ["\\x"], ["x"])
        self.check("a[!x]b", ["ayb"], ["a/b", "axb"])

    def test_open_sets(self):
        self.check("[ab", ["[ab"], ["a"])
        self.check("a[b/c]d", ["a[b/c]d"], ["abd", "acd"])
        self.check("[]", ["[]"], ["]"])
        self.check("[!]", ["[!]"], ["x"])

    def test_braces(self):
        self.check("*.{py,txt}", ["a.py", "b.txt"], ["a.p", "a.{py,txt}", "a.py,txt"])
        self.check("a{,b}c", ["ac", "abc"], ["abbc"])
        self.check("{a,b{c,d/e}}x", ["ax", "bcx", "bd/ex"], ["bx", "cx"])
        self.check("{src,test}/**/{*.py,?}", ["src/a.py", "test/x/y"], ["lib/a.py", "src/xy"])
        self.check("{a}", ["a"], ["{a}"])
        self.check("{a|b}", ["a|b"], ["a"])

    def test_open_braces(self):
        self.check("{a,b", ["{a,b"], ["a", "b"])
        self.check("a,b}", ["a,b}"], ["a"])
        self.check("{a,{b,c}", ["{a,b", "{a,c"], ["a", "b"])

    def test_two_stars_at_the_edge_of_braces(self):
        self.check("{a/**,b}/c", ["a/c", "a/x/c", "b/c"], ["b/x/c"])

    def test_escapes(self):
        self.check("\\*", ["*"], ["a", "\\*", "\\"])
        self.check("\\[a]", ["[a]"], ["a"])
        self.check("{a\\,b,c}", ["a,b", "c"], ["a", "b"])
        self.check("\\{a,b}", ["{a,b}"], ["a"])
        self.check("a\\", ["a\\"], ["a"])
        self.check("\\\\", ["\\"], ["\\\\"])
        self.check("\\a", ["a"], ["\\a"])
        self.check("{a\\}b,c}", ["a}b", "c"], [])

    def test_does_not_explode(self):
        self.check("*".join("aaaaaaaaa") + "*b", ["a" * 20 + "b"], ["a" * 60])
        self.check("**/a/**/a/**/a/**/a/**/b", [], ["a/" * 60 + "c"])


class SelectTest(unittest.TestCase):
    def test_last_match_decides(self):
        paths = ["a.py", "b.py", "b.txt", "lib/a.py"]
        self.assertEqual(select(paths, ["**", "!*.py", "b.*"]), ["b.py", "b.txt", "lib/a.py"])
        self.assertEqual(select(paths, ["*.py", "!**"]), [])
        self.assertEqual(select(paths, ["!**", "*.py"]), ["a.py", "b.py"])
        self.assertEqual(select(paths, []), [])

    def test_escaped_mark(self):
        self.assertEqual(select(["!x", "x"], ["\\!x"]), ["!x"])
        self.assertEqual(select(["!x", "x"], ["**", "!!x"]), ["x"])

    def test_any_iterable(self):
        self.assertEqual(select(iter(["b", "a"]), iter(["?"])), ["b", "a"])
