import random
import unittest

from patches import Conflict, Hunk, apply, diff, reverse
from patches.text import show


def longest(old, new):
    """The length of the longest common subsequence."""
    row = [0] * (len(new) + 1)
    for a in old:
        last = row
        row = [0]
        for at, b in enumerate(new):
            row.append(last[at] + 1 if a == b else max(last[at + 1], row[at]))
    return row[-1]


class DiffTest(unittest.TestCase):
    def check(self, old, new):
        hunks = diff(old, new)
        changed = sum(len(hunk.old_lines) + len(hunk.new_lines) for hunk in hunks)
        self.assertEqual(changed, len(old) + len(new) - 2 * longest(old, new), (old, new, hunks))
        at_old = at_new = -1
        for hunk in hunks:
            self.assertIsInstance(hunk, Hunk)
            self.assertGreater(hunk.old_start, at_old)
            self.assertEqual(hunk.old_start - max(at_old, 0), hunk.new_start - max(at_new, 0))
            self.assertEqual(old[hunk.old_start : hunk.old_start + len(hunk.old_lines)], list(hunk.old_lines))
            self.assertEqual(new[hunk.new_start : hunk.new_start + len(hunk.new_lines)], list(hunk.new_lines))
            at_old, at_new = hunk.old_start + len(hunk.old_lines), hunk.new_start + len(hunk.new_lines)
        self.assertEqual(apply(old, hunks), new)
        self.assertEqual(apply(new, reverse(hunks)), old)

    def test_simple(self):
        self.assertEqual(diff([], []), [])
        self.assertEqual(diff(["a"], ["a"]), [])
        self.assertEqual(diff([], ["a", "b"]), [Hunk(0, 0, [], ["a", "b"])])
        self.assertEqual(diff(["a", "b"], ["b"]), [Hunk(0, 0, ["a"], [])])
        self.assertEqual(diff(list("abc"), list("axcd")), [Hunk(1, 1, ["b"], ["x"]), Hunk(3, 3, [], ["d"])])

    def test_known(self):
        for old, new in [("abcabba", "cbabac"), ("aaaa", "aa"), ("abab", "baba"), ("", "x"), ("x", ""), ("abc", "xyz"), ("xaxbx", "ab")]:
            self.check(list(old), list(new))

    def test_random(self):
        rng = random.Random(10)
        for _ in range(300):
            letters = "abcd"[: rng.randrange(1, 5)]
            self.check([rng.choice(letters) for _ in range(rng.randrange(12))], [rng.choice(letters) for _ in range(rng.randrange(12))])

    def test_inputs_stay(self):
        old, new = ["a", "b"], ["b", "c"]
        hunks = diff(old, new)
        apply(old, hunks)
        reverse(hunks)
        show(old, new)
        self.assertEqual((old, new), (["a", "b"], ["b", "c"]))

    def test_long(self):
        old = [str(n % 700) for n in range(2000)]
        new = old[:]
        for n in (1990, 1500, 1499, 300, 0):
            del new[n]
        for n in (40, 900, 1700):
            new.insert(n, "new")
        hunks = diff(old, new)
        self.assertEqual(sum(len(hunk.old_lines) + len(hunk.new_lines) for hunk in hunks), 8)
        self.assertEqual(apply(old, hunks), new)


class ApplyTest(unittest.TestCase):
    def test_shifted(self):
        hunks = diff(list("abcdefgh"), list("abXdefgY"))
        self.assertEqual(apply(list("__abcdefgh"), hunks), list("__abXdefgY"))
        self.assertEqual(apply(list("bcdefgh"), hunks), list("bXdefgY"))

    def test_shift_is_remembered(self):
        hunks = [Hunk(0, 0, ["a"], ["A"]), Hunk(3, 3, ["x"], ["X"])]
        self.assertEqual(apply(list("zzza..x..x"), hunks), list("zzzA..X..x"))
        self.assertEqual(apply(list("zzza.x....x"), hunks), list("zzzA.X....x"))

    def test_growth_counts(self):
        hunks = [Hunk(0, 0, ["a"], ["1", "2", "3"]), Hunk(3, 5, ["x"], ["X"])]
        self.assertEqual(apply(list("a..x.x"), hunks), list("123..X.x"))

    def test_nearest_first_before_then_after(self):
        self.assertEqual(apply(list("x.x"), [Hunk(1, 1, ["x"], ["X"])]), list("X.x"))
        self.assertEqual(apply(list("x..x"), [Hunk(2, 2, ["x"], ["X"])]), list("x..X"))

    def test_never_before_the_last_hunk(self):
        hunks = [Hunk(2, 2, ["b"], ["a"]), Hunk(4, 4, ["a"], ["c"])]
        self.assertEqual(apply(list("a.b..a"), hunks), list("a.a..c"))
        with self.assertRaises(Conflict) as caught:
            apply(list("a.b.."), hunks)
        self.assertEqual(caught.exception.number, 1)

    def test_pure_insertions(self):
        self.assertEqual(apply(["a"], [Hunk(1, 1, [], ["b"])]), ["a", "b"])
        with self.assertRaises(Conflict) as caught:
            apply(["a"], [Hunk(2, 2, [], ["b"])])
        self.assertEqual(caught.exception.number, 0)
        self.assertIsInstance(caught.exception, ValueError)

    def test_missing(self):
        with self.assertRaises(Conflict):
            apply(list("abc"), [Hunk(0, 0, ["x"], [])])
        with self.assertRaises(Conflict):
            apply([], [Hunk(0, 0, ["x"], [])])

    def test_far_away(self):
        self.assertEqual(apply(["."] * 50 + ["x"], [Hunk(0, 0, ["x"], ["y"])])[-1], "y")
        self.assertEqual(apply(["x"] + ["."] * 50, [Hunk(49, 49, ["x"], ["y"])])[0], "y")


class ShowTest(unittest.TestCase):
    def test_one_change(self):
        old = list("abcdefghi")
        self.assertEqual(
            show(old, list("abcdXfghi")), ["@@ -2,7 +2,7 @@", " b", " c", " d", "-e", "+X", " f", " g", " h"]
        )
        self.assertEqual(show(old, list("abcdXfghi"), context=0), ["@@ -5 +5 @@", "-e", "+X"])

    def test_joined(self):
        old = list("abcdefghi")
        new = list("XbcdefgYi")
        self.assertEqual(show(old, new, 1), ["@@ -1,2 +1,2 @@", "-a", "+X", " b", "@@ -7,3 +7,3 @@", " g", "-h", "+Y", " i"])
        self.assertEqual(show(old, new, 3)[0], "@@ -1,9 +1,9 @@")
        self.assertEqual(len([line for line in show(old, new, 2) if line.startswith("@@")]), 2)

    def test_nothing_on_one_side(self):
        self.assertEqual(show([], ["a", "b"]), ["@@ -0,0 +1,2 @@", "+a", "+b"])
        self.assertEqual(show(["a"], []), ["@@ -1 +0,0 @@", "-a"])
        self.assertEqual(show(["a", "b", "c"], ["a", "b", "x", "c"], 0), ["@@ -2,0 +3 @@", "+x"])
        self.assertEqual(show(["a"], ["a"]), [])
