import unittest

from options import Parser, UsageError


def parser():
    made = Parser()
    made.flag("verbose", "v")
    made.flag("version")
    made.flag("quiet", "q")
    made.value("number", "n", 1, int)
    made.value("name", "N")
    made.many("file", "f")
    made.many("size", kind=float)
    return made


DEFAULTS = {"verbose": False, "version": False, "quiet": False, "number": 1, "name": None, "file": [], "size": []}


class GoodTest(unittest.TestCase):
    def check(self, line, rest=(), **settings):
        arguments = line.split(" ") if line else []
        before = list(arguments)
        self.assertEqual(parser().parse(arguments), ({**DEFAULTS, **settings}, list(rest)), line)
        self.assertEqual(arguments, before)

    def test_nothing(self):
        self.check("")

    def test_long(self):
        self.check("--verbose a --number 3 b", ["a", "b"], verbose=True, number=3)
        self.check("--number=3 --name=a=b --file= --file=x", number=3, name="a=b", file=["", "x"])
        self.check("--size 1 --size=2.5", size=[1.0, 2.5])

    def test_short(self):
        self.check("-v -n 5 -f a", verbose=True, number=5, file=["a"])
        self.check("-vqn5", verbose=True, quiet=True, number=5)
        self.check("-vn 5 x", ["x"], verbose=True, number=5)
        self.check("-fvq -f -v", file=["vq", "-v"])
        self.check("-N=a", name="=a")

    def test_negation(self):
        self.check("--verbose --no-verbose", verbose=False)
        self.check("--no-verbose -v", verbose=True)

    def test_last_wins(self):
        self.check("-n1 --number 2 -n3", number=3)

    def test_end_of_options(self):
        self.check("-v -- -v --name -- x", ["-v", "--name", "--", "x"], verbose=True)
        self.check("- a -", ["-", "a", "-"])

    def test_values_with_hyphens(self):
        self.check("-n -5 --name -- --file -v", number=-5, name="--", file=["-v"])

    def test_shortened(self):
        self.check("--verb --numb=4 --fi a --q", verbose=True, number=4, file=["a"], quiet=True)

    def test_exact_match_counts(self):
        made = Parser()
        made.flag("all")
        made.flag("all-of-it")
        self.assertEqual(made.parse(["--all"])[0], {"all": True, "all-of-it": False})

    def test_a_name_that_looks_negated(self):
        made = Parser()
        made.flag("color")
        made.value("no-color")
        self.assertEqual(made.parse(["--no-color", "x", "--color"])[0], {"color": True, "no-color": "x"})

    def test_afresh(self):
        made = parser()
        made.parse(["-v", "-fa"])
        self.assertEqual(made.parse([])[0], DEFAULTS)
        settings, _ = made.parse([])
        settings["file"].append("x")
        self.assertEqual(made.parse([])[0], DEFAULTS)

    def test_defaults_are_not_converted(self):
        made = Parser()
        made.value("level", default="low", kind=int)
        self.assertEqual(made.parse([])[0], {"level": "low"})


class BadTest(unittest.TestCase):
    def test_errors(self):
        for line, part in {
            "--size": "--size", "--nothing": "--nothing", "--nothing=5": "--nothing", "-x": "-x", "-vx": "-x", "--number": "--number", "-n": "-n", "-vn": "-n", "--number five": "--number",
            "-nfive": "-n", "--verbose=yes": "--verbose", "--no-number": "--no-number", "--no-verb": "--no-verb", "--no-verbose=1": "--no-verbose", "--size=x": "--size", "---v": "---v", "--n=5": "--n",
        }.items():
            with self.assertRaises(UsageError, msg=line) as caught:
                parser().parse(line.split(" "))
            self.assertIn(part, str(caught.exception))
            self.assertNotIn("vx", str(caught.exception))
        self.assertTrue(issubclass(UsageError, ValueError))

    def test_ambiguous(self):
        with self.assertRaises(UsageError) as caught:
            parser().parse(["--ver"])
        for name in ("--ver", "--verbose", "--version"):
            self.assertIn(name, str(caught.exception))

    def test_declared_twice(self):
        made = parser()
        for call in (lambda: made.flag("name"), lambda: made.many("new", "v"), lambda: made.value("other", "long")):
            with self.assertRaises(ValueError):
                call()
        self.assertEqual(made.parse([])[0], DEFAULTS)


class UsageTest(unittest.TestCase):
    def test_usage(self):
        self.assertEqual(
            parser().usage().splitlines(),
            ["-v, --verbose", "    --version", "-q, --quiet", "-n, --number NUMBER", "-N, --name NAME", "-f, --file FILE ...", "    --size SIZE ..."],
        )
