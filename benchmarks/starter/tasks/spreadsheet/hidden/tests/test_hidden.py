import unittest

from sheet import Error, Sheet

CYCLE, NAME, ZERO, TYPE = Error("cycle"), Error("name"), Error("zero"), Error("type")


class Case(unittest.TestCase):
    def setUp(self):
        self.sheet = Sheet()

    def fill(self, **cells):
        for name, content in cells.items():
            self.sheet.set(name, content)

    def values(self, names):
        return [self.sheet.get(name) for name in names.split()]

    def formulas(self, cases):
        for text, wanted in cases.items():
            self.sheet.set("Z99", text)
            value = self.sheet.get("Z99")
            self.assertEqual(value, wanted, text)
            self.assertIs(type(value), type(wanted), text)


class FormulaTest(Case):
    def test_arithmetic(self):
        self.formulas(
            {
                "=1+2*3": 7, "=(1 + 2)*3": 9, "=10-3-2": 5, "=8/4/2": 1.0, "=-2*-3": 6, "=--2": 2, "=2*-(1+1)": -4, "=0.5*4": 2.0, "= 7 ": 7, "=1.50": 1.5, "=7/2": 3.5, "=2-3*4/2": -4.0,
            }
        )

    def test_cells(self):
        self.fill(A1=4, A2=2.5, A3="text", B10=3)
        self.formulas({"=A1": 4, "=A1*B10+A2": 14.5, "=A3": "text", "=C1": 0, "=C1+1": 1, "=-C1": 0, "=(A3)": "text"})

    def test_ranges(self):
        self.fill(A1=4, A2=2, A3="text", B1=10, B3=-1)
        self.formulas(
            {
                "=SUM(A1:B3)": 15, "=SUM(B3:A1)": 15, "=SUM(A3:B1)": 15, "=COUNT(A1:B3)": 4, "=MIN(A1:B3)": -1, "=MAX(A1:A9)": 4, "=SUM(C1:C9)": 0, "=MIN(C1:D4)": 0, "=MAX(A3)": 0,
                "=COUNT(C1)": 0, "=SUM(A1)": 4, "=SUM( A1 : A2 ) * 2": 12, "=COUNT(A1:A2)+MAX(B1:B1)": 12,
            }
        )

    def test_unreadable(self):
        self.formulas(
            {
                text: NAME
                for text in (
                    "=", "=1+", "=*2", "=(1", "=1)", "=1 2", "=A0", "=A100", "=AA1", "=a1", "=A01", "=SUM()", "=SUM(1)", "=SUM(A1:)", "=SUM(A1:A0)", "=AVG(A1:A2)", "=A1:A2", "=1..2", "=.5", "=5.", "=sum(A1)", "=1+SUM",
                    "=+1", "=SUM(A1,A2)", "=$A1", "=1%",
                )
            }
        )

    def test_other_errors(self):
        self.fill(A1="text", A2=0)
        self.formulas({"=1/0": ZERO, "=1/A2": ZERO, "=1/A9": ZERO, "=A1+1": TYPE, "=-A1": TYPE, "=1*A1": TYPE, "=A1/A2": TYPE, "=1/0.0": ZERO})

    def test_errors_spread(self):
        self.fill(A1="=1/0", A2="=oops", A3="text", B1=5)
        self.formulas({"=A1": ZERO, "=A1+A2": ZERO, "=A2+A1": NAME, "=SUM(A1:B3)": ZERO, "=COUNT(A2:B2)": NAME, "=A3+A1": ZERO, "=A1*0": ZERO, "=B1+(1+A2)": NAME})

    def test_errors_are_values(self):
        self.assertEqual(Error("zero"), ZERO)
        self.assertNotEqual(ZERO, TYPE)
        self.assertNotEqual(ZERO, "zero")
        self.assertEqual(ZERO.kind, "zero")
        self.assertEqual(len({Error("zero"), ZERO}), 1)


class ChangeTest(Case):
    def test_chain(self):
        self.fill(A1=1, A2="=A1*2", A10="=A2+1", B1="=SUM(A1:A10)", C1="=9")
        self.assertEqual(self.sheet.set("A1", 5), ["A1", "A2", "A10", "B1"])
        self.assertEqual(self.values("A1 A2 A10 B1 C1"), [5, 10, 11, 26, 9])

    def test_formula_before_its_cells(self):
        self.fill(B1="=A1+A2", A1=1, A2=2)
        self.assertEqual(self.sheet.get("B1"), 3)

    def test_only_what_changed(self):
        self.fill(A1=1, A2=-1, B1="=A1*A2*0", C1="=B1+1", D1="=A1")
        self.assertEqual(self.sheet.set("A1", 7), ["A1", "D1"])
        self.assertEqual(self.sheet.set("A1", 7), [])
        self.assertEqual(self.sheet.set("D1", 7), [])
        self.assertEqual(self.sheet.set("A1", 8), ["A1"])

    def test_emptying(self):
        self.fill(A1=1, B1="=A1", C1="=COUNT(A1:A3)")
        self.assertEqual(self.sheet.set("A1", None), ["A1", "B1", "C1"])
        self.assertEqual(self.values("A1 B1 C1"), [None, 0, 0])
        self.assertEqual(self.sheet.set("A1", None), [])
        self.assertEqual(self.sheet.set("B1", None), ["B1"])

    def test_old_references_are_forgotten(self):
        self.fill(A1=1, A2=2, B1="=A1")
        self.sheet.set("B1", "=A2")
        self.assertEqual(self.sheet.set("A1", 9), ["A1"])
        self.assertEqual(self.sheet.set("A2", 3), ["A2", "B1"])

    def test_long_chain(self):
        names = ["{}{}".format(chr(65 + n % 26), n // 26 + 1) for n in range(2000)]
        for before, name in zip(names, names[1:]):
            self.sheet.set(name, "={}+1".format(before))
        self.assertEqual(len(self.sheet.set(names[0], 1)), 2000)
        self.assertEqual(self.sheet.get(names[-1]), 2000)

    def test_no_explosion(self):
        for n in range(1, 61):
            self.sheet.set("A{}".format(n + 1), "=A{0}+A{0}".format(n))
        self.sheet.set("A1", 1)
        self.assertEqual(self.sheet.get("A61"), 2**60)


class CycleTest(Case):
    def test_cycle(self):
        self.fill(A1="=B1", C1="=A1+1", D1=1)
        self.assertEqual(self.sheet.set("B1", "=A1"), ["A1", "B1", "C1"])
        self.assertEqual(self.values("A1 B1 C1 D1"), [CYCLE, CYCLE, CYCLE, 1])
        self.assertEqual(self.sheet.set("B1", 4), ["A1", "B1", "C1"])
        self.assertEqual(self.values("A1 B1 C1"), [4, 4, 5])

    def test_itself(self):
        self.fill(A1="=A1+1", A2="=SUM(A1:A3)")
        self.assertEqual(self.values("A1 A2"), [CYCLE, CYCLE])
        self.sheet.set("A1", 1)
        self.assertEqual(self.values("A1 A2"), [1, CYCLE])

    def test_what_leads_into_a_cycle_is_sound(self):
        self.fill(A1=1, B1="=A1+C1", C1="=B1", D1="=A1")
        self.assertEqual(self.values("A1 B1 C1 D1"), [1, CYCLE, CYCLE, 1])
        self.assertEqual(self.sheet.set("A1", 2), ["A1", "D1"])

    def test_two_cycles(self):
        self.fill(A1="=A2", A2="=A1", B1="=B2", B2="=B1+A1", C1="=B1")
        self.sheet.set("A2", 5)
        self.assertEqual(self.values("A1 A2 B1 B2 C1"), [5, 5, CYCLE, CYCLE, CYCLE])
        self.assertEqual(self.sheet.set("B2", "=A1+1"), ["B1", "B2", "C1"])
        self.assertEqual(self.values("B1 B2 C1"), [6, 6, 6])


class NameTest(Case):
    def test_outside(self):
        for name in ("", "A", "1", "A0", "A100", "AA1", "a1", "A01", "A-1", " A1", "A1 ", "Ä1", "A٣"):
            with self.assertRaises(ValueError, msg=name):
                self.sheet.set(name, 1)
            with self.assertRaises(ValueError, msg=name):
                self.sheet.get(name)

    def test_edges(self):
        self.fill(Z99=1, A1="=Z99")
        self.assertEqual(self.sheet.get("A1"), 1)
