import unittest

from sheet import Sheet


class SheetTest(unittest.TestCase):
    def setUp(self):
        self.sheet = Sheet()

    def test_values(self):
        self.sheet.set("A1", 5)
        self.sheet.set("A2", "text")
        self.assertEqual([self.sheet.get(name) for name in ("A1", "A2", "A3")], [5, "text", None])

    def test_formula(self):
        self.sheet.set("A1", 5)
        self.sheet.set("B1", "=A1 + 2")
        self.assertEqual(self.sheet.get("B1"), 7)

    def test_change(self):
        self.sheet.set("A1", 5)
        self.sheet.set("B1", "=A1 + 2")
        self.assertEqual(self.sheet.set("A1", 6), ["A1", "B1"])
        self.assertEqual(self.sheet.get("B1"), 8)

    def test_precedence(self):
        self.sheet.set("A1", "=1 + 2 * 3")
        self.assertEqual(self.sheet.get("A1"), 7)
