import unittest

from versions import Version, newest
from versions.ranges import satisfies

ORDER = [
    "0.0.0-0", "0.0.0", "0.9.10", "1.0.0-0", "1.0.0-2", "1.0.0-11", "1.0.0-11.a", "1.0.0--", "1.0.0-1a", "1.0.0-Beta", "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta",
    "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0-rc.1", "1.0.0", "1.0.1", "1.2.0", "1.10.0", "2.0.0-a", "10.0.0",
]


class ParseTest(unittest.TestCase):
    def test_good(self):
        for text in ORDER + ["1.0.0+build.05", "1.0.0-a.b-c+x-y.0", "1.2.3----", "1.0.0+0"]:
            self.assertEqual(str(Version.parse(text)), text)
        version = Version.parse("1.2.3-rc.1+b.07")
        self.assertEqual((version.pre, version.build), (("rc", "1"), ("b", "07")))

    def test_bad(self):
        for text in (
            "", "1", "1.2", "1.2.3.4", "01.2.3", "1.02.3", "1.2.03", "v1.2.3", " 1.2.3", "1.2.3 ", "1.2.3-", "1.2.3+", "1.2.3-a..b", "1.2.3-01", "1.2.3-a_b", "1.2.3+a+b", "1.2.3-é", "-1.2.3",
            "1.2.x", "1.2.3\n", "1.2.3-+b", "١.2.3",
        ):
            with self.assertRaises(ValueError, msg=text):
                Version.parse(text)


class OrderTest(unittest.TestCase):
    def test_order(self):
        versions = [Version.parse(text) for text in ORDER]
        for i, a in enumerate(versions):
            for j, b in enumerate(versions):
                self.assertEqual((a < b, a <= b, a == b, a != b, a >= b, a > b), (i < j, i <= j, i == j, i != j, i >= j, i > j), (str(a), str(b)))

    def test_build_does_not_count(self):
        one, two = Version.parse("1.0.0+a"), Version.parse("1.0.0+b")
        self.assertTrue(one == two and one <= two and not one < two)
        self.assertEqual(hash(one), hash(two))
        self.assertEqual(len({one, two, Version.parse("1.0.0")}), 1)

    def test_other_things(self):
        self.assertNotEqual(Version.parse("1.0.0"), "1.0.0")


class BumpTest(unittest.TestCase):
    def test_bump(self):
        for text, wanted in {
            "1.2.3": "2.0.0 1.3.0 1.2.4", "1.2.3+b": "2.0.0 1.3.0 1.2.4", "1.2.3-a": "2.0.0 1.3.0 1.2.3", "1.2.0-rc.1": "2.0.0 1.2.0 1.2.0", "2.0.0-a": "2.0.0 2.0.0 2.0.0", "0.0.0": "1.0.0 0.1.0 0.0.1",
        }.items():
            version = Version.parse(text)
            self.assertEqual(" ".join(str(version.bump(part)) for part in ("major", "minor", "patch")), wanted)
            self.assertEqual(str(version), text)

    def test_bad_part(self):
        with self.assertRaises(ValueError):
            Version.parse("1.2.3").bump("build")


class RangeTest(unittest.TestCase):
    def check(self, range, yes, no):
        for version in yes.split():
            self.assertTrue(satisfies(version, range), (version, range))
        for version in no.split():
            self.assertFalse(satisfies(Version.parse(version), range), (version, range))

    def test_single(self):
        self.check("1.2.3", "1.2.3 1.2.3+b", "1.2.4 1.2.3-a")
        self.check("=1.2.3", "1.2.3", "1.2.2")
        self.check(">1.2.3", "1.2.4 2.0.0", "1.2.3 1.0.0")
        self.check(">= 1.2.3", "1.2.3 1.10.0", "1.2.2")
        self.check("<1.2.3", "1.2.2 0.0.0", "1.2.3")
        self.check("<=1.2.3", "1.2.3", "1.2.4")
        self.check("*", "0.0.0 9.9.9", "1.0.0-a")

    def test_caret_and_tilde(self):
        self.check("^1.2.3", "1.2.3 1.99.0", "1.2.2 2.0.0")
        self.check("^0.2.3", "0.2.3 0.2.9", "0.3.0 0.2.2")
        self.check("^0.0.3", "0.0.3", "0.0.4 0.0.2")
        self.check("^0.0.0", "0.0.0", "0.0.1")
        self.check("^1.0.0", "1.5.0", "0.9.9")
        self.check("~1.2.3", "1.2.3 1.2.99", "1.3.0 1.2.2")
        self.check("~ 0.0.1", "0.0.9", "0.1.0")

    def test_groups(self):
        self.check(">=1.0.0 <2.0.0, <1.5.0", "1.4.9 1.0.0", "1.5.0 0.9.0")
        self.check("1.0.0 || >=2.0.0,<3.0.0||5.0.0", "1.0.0 2.5.0 5.0.0", "1.0.1 3.0.0")

    def test_pre_releases(self):
        self.check(">=1.2.3-beta.2", "1.2.3-beta.2 1.2.3-beta.10 1.2.3-rc 1.2.3 2.0.0", "1.2.3-beta.1 1.2.4-a 2.0.0-beta.3")
        self.check("^1.2.3-beta", "1.2.3-beta 1.9.0", "1.3.0-beta 2.0.0-a 2.0.0")
        self.check(">=1.0.0 <2.0.0-b", "1.5.0 2.0.0-a", "2.0.0-b 1.5.0-a")
        self.check(">=1.0.0-a || *", "1.0.0-b 3.0.0", "3.0.0-a")
        self.check("<2.0.0", "1.9.9", "2.0.0-a 1.0.0-a")

    def test_malformed(self):
        for range in ("", "  ", ">1.2", "||", "1.0.0 ||", "|| 1.0.0", "=>1.0.0", "1.x", "> >1.0.0", ">", "1.0.0 |", "^", "**", "!1.0.0"):
            for version in ("1.0.0", "0.0.1-a"):
                with self.assertRaises(ValueError, msg=range):
                    satisfies(version, range)

    def test_bad_version(self):
        with self.assertRaises(ValueError):
            satisfies("1.0", "*")


class NewestTest(unittest.TestCase):
    def test_newest(self):
        texts = ["1.9.0", "junk", "1.10.0+a", "1.10.0+b", "2.0.0-rc.1", "0.1.0"]
        self.assertEqual(newest(texts), "1.10.0+a")
        self.assertEqual(newest(texts, "<1.10.0"), "1.9.0")
        self.assertEqual(newest(texts, ">=2.0.0-rc.0"), "2.0.0-rc.1")
        self.assertIsNone(newest(texts, ">5.0.0"))
        self.assertIsNone(newest([]))
