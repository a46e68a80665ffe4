import itertools
import random
import unittest

from routes import Map, NoRoute
from routes.text import read


class ShortestTest(unittest.TestCase):
    def test_detour(self):
        found = read(["a -> b: 10", "a -> c: 1", "c -> d: 1", "d -> b: 1"])
        self.assertEqual(found.shortest("a", "b"), (3, ["a", "c", "d", "b"]))

    def test_fewest_places(self):
        found = read(["a -> b: 1", "b -> c: 1", "c -> z: 1", "a -> y: 2", "y -> z: 1"])
        self.assertEqual(found.shortest("a", "z"), (3, ["a", "y", "z"]))

    def test_smallest_names(self):
        found = read(["a -> c: 1", "a -> b: 1", "b -> d: 1", "c -> d: 1"])
        self.assertEqual(found.shortest("a", "d"), (2, ["a", "b", "d"]))
        found = read(["a -> b: 1", "a -> c: 2", "b -> x: 2", "c -> x: 1", "b -> y: 1", "c -> y: 0", "x -> d: 1", "y -> d: 2"])
        self.assertEqual(found.shortest("a", "d"), (4, ["a", "b", "x", "d"]))

    def test_nothing_long(self):
        found = read(["a -> b: 0", "b -> c: 0", "a -> c: 0"])
        self.assertEqual(found.shortest("a", "c"), (0, ["a", "c"]))

    def test_itself(self):
        found = read(["a -> b: 1", "b -> a: 1"])
        self.assertEqual(found.shortest("a", "a"), (0, ["a"]))
        self.assertEqual(found.shortest("b", "b"), (0, ["b"]))

    def test_avoid(self):
        found = read(["a <-> b: 1", "b <-> d: 1", "a <-> c: 5", "c <-> d: 5"])
        self.assertEqual(found.shortest("a", "d"), (2, ["a", "b", "d"]))
        self.assertEqual(found.shortest("a", "d", avoid=["b"]), (10, ["a", "c", "d"]))
        self.assertEqual(found.shortest("a", "d", avoid=iter(["b", "elsewhere"])), (10, ["a", "c", "d"]))
        for avoid in (["b", "c"], ["a"], ["d"]):
            with self.assertRaises(NoRoute):
                found.shortest("a", "d", avoid=avoid)
        with self.assertRaises(NoRoute):
            found.shortest("a", "a", avoid=["a"])

    def test_unknown(self):
        found = read(["a -> b: 1"])
        for start, goal in (("a", "x"), ("x", "a"), ("x", "x")):
            with self.assertRaises(KeyError):
                found.shortest(start, goal, avoid=["x"])
        with self.assertRaises(KeyError):
            found.within("x", 1)

    def test_no_route(self):
        found = read(["a -> b: 1"])
        with self.assertRaises(NoRoute) as caught:
            found.shortest("b", "a")
        self.assertIsInstance(caught.exception, LookupError)
        self.assertNotIsInstance(caught.exception, KeyError)

    def test_against_all_routes(self):
        rng = random.Random(9)
        for _ in range(30):
            found, ways = Map(), {}
            for a, b in itertools.permutations("abcdef", 2):
                if rng.random() < 0.5:
                    ways[a, b] = rng.randrange(4)
                    found.connect(a, b, ways[a, b])
            found.connect("a", "z", 0)
            found.connect("y", "f", 0)
            best = []
            for count in range(5):
                for middle in itertools.permutations("bcde", count):
                    path = ["a", *middle, "f"]
                    if all(step in ways for step in zip(path, path[1:])):
                        best.append((sum(ways[step] for step in zip(path, path[1:])), len(path), path))
            if best:
                length, _, path = min(best)
                self.assertEqual(found.shortest("a", "f"), (length, path))
            else:
                with self.assertRaises(NoRoute):
                    found.shortest("a", "f")

    def test_large(self):
        found = Map()
        for x, y in itertools.product(range(40), repeat=2):
            found.connect((x, y), (x + 1, y), 1)
            found.connect((x, y), (x, y + 1), 1)
        length, path = found.shortest((0, 0), (40, 39))
        self.assertEqual((length, len(path)), (79, 80))
        self.assertEqual(path[:3], [(0, 0), (0, 1), (0, 2)])


class ConnectTest(unittest.TestCase):
    def test_replace_and_both(self):
        found = Map()
        found.connect("a", "b", 5, both=True)
        found.connect("a", "b", 2)
        self.assertEqual(found.shortest("a", "b")[0], 2)
        self.assertEqual(found.shortest("b", "a")[0], 5)

    def test_negative(self):
        found = Map()
        with self.assertRaises(ValueError):
            found.connect("a", "b", -1)
        with self.assertRaises(KeyError):
            found.shortest("a", "b")


class WithinTest(unittest.TestCase):
    def test_within(self):
        found = read(["m -> z: 1", "m -> a: 1", "m -> k: 0.5", "a -> b: 5", "k -> b: 1", "b -> q: 9"])
        self.assertEqual(list(found.within("m", 2).items()), [("m", 0), ("k", 0.5), ("a", 1), ("z", 1), ("b", 1.5)])
        self.assertEqual(found.within("m", 0), {"m": 0})
        self.assertEqual(found.within("q", 5), {"q": 0})
        self.assertEqual(found.within("m", -1), {})


class ReadTest(unittest.TestCase):
    def test_read(self):
        found = read(["", "  New York->Boston :  4 ", "a <-> b: 2.5", "   ", "x: y -> z: 1"])
        self.assertEqual(found.shortest("New York", "Boston"), (4, ["New York", "Boston"]))
        self.assertEqual(found.shortest("b", "a"), (2.5, ["b", "a"]))
        self.assertIs(type(found.shortest("New York", "Boston")[0]), int)
        self.assertEqual(found.shortest("x: y", "z"), (1, ["x: y", "z"]))

    def test_bad_lines(self):
        for line in ("a b: 1", "a -> b", "a -> b: x", "a -> b:", "-> b: 1", "a -> : 1", "a -> b: -1", "a -> b: nan", "a -> b: inf", "a <-> b: -0.5"):
            with self.assertRaises(ValueError, msg=line) as caught:
                read(["q -> r: 1", line])
            self.assertIn(line, str(caught.exception))
