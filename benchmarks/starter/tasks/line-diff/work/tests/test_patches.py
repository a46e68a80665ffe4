import unittest

from patches import Hunk, diff


class DiffTest(unittest.TestCase):
    def test_same(self):
        self.assertEqual(diff(["a"], ["a"]), [])

    def test_one_line(self):
        self.assertEqual(diff(["a", "b", "c"], ["a", "x", "c"]), [Hunk(1, 1, ["b"], ["x"])])

    def test_apply(self):
        from patches import apply

        old, new = list("abcdef"), list("abxdefg")
        self.assertEqual(apply(old, diff(old, new)), new)

    def test_apply_elsewhere(self):
        from patches import apply

        self.assertEqual(apply(list("zzabc"), [Hunk(1, 1, ["b"], ["x"])]), list("zzaxc"))
