import unittest

from buildorder import plan
from buildorder.parse import parse


class PlanTest(unittest.TestCase):
    def test_dependencies_come_first(self):
        self.assertEqual(plan(["app"], parse("app: lib\nlib: lib.c")), ["lib.c", "lib", "app"])

    def test_each_target_once(self):
        rules = parse("a: b c\nb: d\nc: d")
        self.assertEqual(plan(["a"], rules), ["d", "b", "c", "a"])

    def test_cycle(self):
        with self.assertRaises(ValueError):
            plan(["a"], {"a": ["b"], "b": ["a"]})


class LevelsTest(unittest.TestCase):
    def test_levels(self):
        from buildorder import levels

        self.assertEqual(levels(["a"], {"a": ["b", "c"], "c": ["b"]}), [["b"], ["c"], ["a"]])
