import unittest

from versions import Version
from versions.ranges import satisfies


class VersionTest(unittest.TestCase):
    def test_parse(self):
        version = Version.parse("1.2.3-rc.1")
        self.assertEqual((version.major, version.minor, version.patch, version.pre), (1, 2, 3, ("rc", "1")))

    def test_order(self):
        self.assertLess(Version.parse("1.9.0"), Version.parse("1.10.0"))
        self.assertLess(Version.parse("1.0.0-rc.1"), Version.parse("1.0.0"))

    def test_bump(self):
        self.assertEqual(str(Version.parse("1.2.3").bump("minor")), "1.3.0")

    def test_caret(self):
        self.assertTrue(satisfies("1.9.0", "^1.2.3"))
        self.assertFalse(satisfies("2.0.0", "^1.2.3"))
