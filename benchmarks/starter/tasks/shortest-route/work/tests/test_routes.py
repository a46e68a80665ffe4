import unittest

from routes import Map
from routes.text import read


class RoutesTest(unittest.TestCase):
    def test_straight(self):
        found = Map()
        found.connect("a", "b", 1)
        found.connect("b", "c", 2)
        self.assertEqual(found.shortest("a", "c"), (3, ["a", "b", "c"]))

    def test_detour_is_shorter(self):
        found = read(["a -> b: 10", "a -> c: 1", "c -> b: 2"])
        self.assertEqual(found.shortest("a", "b"), (3, ["a", "c", "b"]))

    def test_no_route(self):
        found = Map()
        found.connect("a", "b", 1)
        with self.assertRaises(LookupError):
            found.shortest("b", "a")

    def test_within(self):
        found = read(["a -> b: 2", "b -> c: 2"])
        self.assertEqual(found.within("a", 3), {"a": 0, "b": 2})
