"""Small benchmarks to test with, laid out in a folder."""

import json
from pathlib import Path

import pytest

from dgm.files import File, write_folder

LOCAL = 'kind = "polyglot"\nlanguages = ["python"]\nimages = {python = ""}\n'
SAMPLE = Path(__file__).parents[3] / "shared" / "data" / "polyglot-sample.jsonl"


def files(texts: dict[str, str]) -> dict[str, File]:
    """Python files; the names come without `.py`."""
    return {f"{name}.py": File(text.encode()) for name, text in texts.items()}


HIDDEN = """
import unittest
from shop.price import total


class PriceTest(unittest.TestCase):
    def test_sum(self):
        self.assertEqual(total([1, 2, 3]), 6)

    def test_empty(self):
        self.assertEqual(total([]), 0)

    @unittest.skip("declared")
    def test_later(self):
        self.fail()
"""
VISIBLE = """
import unittest
from shop.price import total


class PriceTest(unittest.TestCase):
    def test_one(self):
        self.assertEqual(total([5]), 5)
"""
RIGHT = "def total(prices):\n    return sum(prices)\n"
WRONG = "def total(prices):\n    return prices[0]\n"
ENDLESS = "while True:\n    pass\n"


def shop(folder: Path, extra: str = "") -> Path:
    """A benchmark of one task below `folder`."""
    task = folder / "tasks" / "price"
    write_folder(
        files({"shop/__init__": "", "shop/price": WRONG, "tests/__init__": "", "tests/test_price": VISIBLE}),
        task / "work",
    )
    write_folder(files({"tests/test_hidden": HIDDEN}), task / "hidden")
    write_folder(files({"shop/price": RIGHT}), task / "solution")
    (task / "task.md").write_text("`total` fails for more than one price.\n")
    (folder / "benchmark.toml").write_text(f'name = "shop"\n{extra}')
    return folder


def exercises(folder: Path) -> Path:
    """A collection of one exercise in the layout of an Exercism track."""
    meta = {"files": {"solution": ["leap.py"], "test": ["leap_test.py"], "example": [".meta/example.py"]}}
    test = "import unittest\nfrom leap import leap\n\n\nclass LeapTest(unittest.TestCase):\n"
    test += "    def test_leap(self):\n"
    test += "        self.assertEqual([leap(year) for year in (1900, 2000, 2004)], [False, True, True])\n"
    texts = {
        ".meta/config.json": json.dumps(meta),
        ".meta/example.py": "def leap(year):\n    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)\n",
        ".approaches/introduction.md": "The secret approach.",
        ".docs/introduction.md": "Calendars.",
        ".docs/instructions.md": "Tell leap years.",
        ".docs/instructions.append.md": "Return a bool.",
        "leap.py": "def leap(year):\n    pass\n",
        "leap_test.py": test,
    }
    write_folder({path: File(text.encode()) for path, text in texts.items()}, folder / "python/exercises/practice/leap")
    (folder / "benchmark.toml").write_text(LOCAL)
    return folder


def sample(folder: Path) -> Path:
    """The exercises of a sample of the real collection, where one lies beside the checkout."""
    if not SAMPLE.exists():
        pytest.skip("no sample of the real collection beside the checkout")
    for line in SAMPLE.read_text(encoding="utf-8").splitlines():
        for name, text in json.loads(line)["files"].items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    (folder / "benchmark.toml").write_text(LOCAL)
    return folder


def commanded(folder: Path, script: str, extra: str = "") -> Path:
    """A benchmark of one task, `task`, below `folder`, which is graded by a shell script; the folder gives its name."""
    task = folder / "tasks" / "task"
    for part in ("work", "hidden", "solution"):
        (task / part).mkdir(parents=True)
    (task / "work/answer").write_text("42\n")
    (task / "hidden/key").write_text("42\n")
    (task / "solution/answer").write_text("43\n")
    (task / "task.md").write_text("Give another answer.\n")
    command = json.dumps(["sh", "-c", script])
    (folder / "benchmark.toml").write_text(
        f'name = "{folder.name}"\n{extra}\n[check]\nseconds = 1000\ncommand = {command}\n'
    )
    return folder
