import unittest

from buildorder import CycleError, levels, plan
from buildorder.parse import parse


class PlanTest(unittest.TestCase):
    def test_left_to_right(self):
        rules = parse("app: lib main.c\nlib: lib.c")
        self.assertEqual(plan(["app"], rules), ["lib.c", "lib", "main.c", "app"])
        letters = [chr(ord("a") + n) for n in range(26)]
        self.assertEqual(plan(letters, {}), letters)
        self.assertEqual(plan(["z"], {"z": letters[:25]}), letters)

    def test_once_each(self):
        rules = parse("a: b c\nb: d\nc: d b")
        self.assertEqual(plan(["a", "a", "d"], rules), ["d", "b", "c", "a"])
        self.assertEqual(plan(["x"], {"x": ["y", "y"]}), ["y", "x"])

    def test_only_what_is_asked_for(self):
        self.assertEqual(plan(["b"], {"a": ["b"], "b": ["c"]}), ["c", "b"])
        self.assertEqual(plan([], {"a": ["b"]}), [])

    def test_many_paths_are_walked_once(self):
        rules = {"n0": []}
        for n in range(1, 60):
            rules["n%d" % n] = ["n%d" % (n - 1), "m%d" % n]
            rules["m%d" % n] = ["n%d" % (n - 1)]
        self.assertEqual(len(plan(["n59"], rules)), 119)

    def test_deep_chain(self):
        rules = {str(n): [str(n + 1)] for n in range(5000)}
        self.assertEqual(plan(["0"], rules), [str(n) for n in range(5000, -1, -1)])

    def test_rules_stay_as_they_are(self):
        rules = {"a": ["b"], "b": []}
        plan(["a", "c"], rules)
        levels(["a", "c"], rules)
        self.assertEqual(rules, {"a": ["b"], "b": []})


class CycleTest(unittest.TestCase):
    def check(self, targets, rules, members):
        for function in (plan, levels):
            with self.assertRaises(CycleError) as caught:
                function(targets, rules)
            cycle = caught.exception.cycle
            self.assertEqual(cycle[0], cycle[-1])
            self.assertEqual(sorted(cycle[:-1]), sorted(members))
            for target, needed in zip(cycle, cycle[1:]):
                self.assertIn(needed, rules[target])
            self.assertEqual(str(caught.exception), " -> ".join(cycle))

    def test_two(self):
        self.check(["a"], {"a": ["b"], "b": ["a"]}, ["a", "b"])

    def test_itself(self):
        self.check(["a"], {"a": ["a"]}, ["a"])

    def test_the_way_to_the_cycle_is_no_part_of_it(self):
        self.check(["start"], {"start": ["ok", "x"], "x": ["y"], "y": ["z"], "z": ["x"], "ok": []}, "xyz")

    def test_out_of_reach(self):
        rules = {"a": ["b"], "p": ["q"], "q": ["p"]}
        self.assertEqual(plan(["a"], rules), ["b", "a"])
        self.assertEqual(levels(["a"], rules), [["b"], ["a"]])

    def test_shared_dependency_is_no_cycle(self):
        self.assertEqual(plan(["a"], {"a": ["b", "c"], "b": ["d"], "c": ["d"]}), ["d", "b", "c", "a"])

    def test_deep_cycle(self):
        rules = {str(n): [str((n + 1) % 3000)] for n in range(3000)}
        self.check(["7"], rules, [str(n) for n in range(3000)])

    def test_is_a_value_error(self):
        self.assertTrue(issubclass(CycleError, ValueError))


class LevelsTest(unittest.TestCase):
    def test_longest_way_decides(self):
        rules = {"a": ["b", "s"], "b": ["c"], "c": ["s"], "t": ["s"]}
        self.assertEqual(levels(["t", "a"], rules), [["s"], ["c", "t"], ["b"], ["a"]])

    def test_sorted(self):
        self.assertEqual(levels(["z", "y", "x"], {"z": ["q"], "y": ["p"]}), [["p", "q", "x"], ["y", "z"]])

    def test_empty(self):
        self.assertEqual(levels([], {}), [])

    def test_deep(self):
        rules = {str(n): [str(n + 1)] for n in range(5000)}
        self.assertEqual(levels(["0"], rules)[-1], ["0"])
