"""The repositories of our own SWE-bench instances: a bug each, its fix, a wrong fix, and the tests that tell.

Invariant: of the hidden tests of each, those in `fails` fail without the fix and pass with it, those in `passes` pass
either way, and the wrong fix fails one of them.
"""

from dgm.benchmarks.instance import Story

CONFTEST = '''"""Fixtures of the suite."""

import pytest


@pytest.fixture
def prices():
    return [100, 250, 5]
'''
MONEY = '''"""Amounts in cents."""


def total(prices):
    return sum(prices)


def share(amount, people):
    """Split `amount` among `people`, so that nothing is lost; the first ones pay what is left over."""
    each = amount // people
    return [each] * people
'''
SHOW = '''"""Amounts as people write them."""


def show(cents):
    return "%d.%02d" % divmod(cents, 100)
'''
TEST_MONEY = """import pytest

from till.money import share, total


def test_total(prices):
    assert total(prices) == 355


class TestShare:
    def test_even(self):
        assert share(90, 3) == [30, 30, 30]

    @pytest.mark.parametrize("people", [1, 2, 5])
    def test_one_each(self, people):
        assert share(people, people) == [1] * people
"""
TEST_MONEY_NEW = (
    TEST_MONEY
    + """
    def test_uneven(self):
        assert share(100, 3) == [34, 33, 33]

    @pytest.mark.parametrize(("amount", "people"), [(7, 2), (5, 5), (1, 4)], ids=["seven", "a five", "ünder [1]"])
    def test_nothing_is_lost(self, amount, people):
        assert sum(share(amount, people)) == amount
"""
)
TILL = Story(
    repo="own/till",
    number=11,
    problem="`share` loses cents\n\n`share(100, 3)` returns three times 33. The first ones should pay a cent more.\n",
    base={
        "README.rst": "A till.\n",
        ".gitignore": "dist/\n*.log\n*.generated.py\n",
        "setup.cfg": "[metadata]\nname = till\n\n[tool:pytest]\naddopts = --strict-markers\n",
        "src/till/__init__.py": "",
        "src/till/money.py": MONEY,
        "src/till/show.py": SHOW,
        "tests/conftest.py": CONFTEST,
        "tests/test_money.py": TEST_MONEY,
        "tests/test_show.py": "from till.show import show\n\n\ndef test_show():\n    assert show(1205) == '12.05'\n",
    },
    gold={
        "src/till/money.py": MONEY.replace(
            "    return [each] * people\n",
            "    left = amount - each * people\n    return [each + 1] * left + [each] * (people - left)\n",
        )
    },
    wrong={"src/till/money.py": MONEY.replace("[each] * people", "[amount - each * (people - 1)] * people")},
    test={"tests/test_money.py": TEST_MONEY_NEW},
    fails=(
        "tests/test_money.py::TestShare::test_uneven",
        "tests/test_money.py::TestShare::test_nothing_is_lost[seven]",
        "tests/test_money.py::TestShare::test_nothing_is_lost[\\xfcnder",
    ),
    passes=(
        "tests/test_money.py::test_total",
        "tests/test_money.py::TestShare::test_even",
        "tests/test_money.py::TestShare::test_one_each[1]",
        "tests/test_money.py::TestShare::test_one_each[2]",
        "tests/test_money.py::TestShare::test_one_each[5]",
        "tests/test_money.py::TestShare::test_nothing_is_lost[a",
    ),
)

SLUG = '''"""Names for addresses."""

import re


def slug(title):
    """`title` in lower case, with one dash in the place of anything else."""
    return re.sub("[^a-z0-9]", "-", title.lower())
'''
TEST_SLUG = """import unittest

from slugs import slug


class SlugTest(unittest.TestCase):
    def test_plain(self):
        self.assertEqual(slug("plain"), "plain")

    def test_two_words(self):
        self.assertEqual(slug("Two Words"), "two-words")
"""
TEST_SLUG_NEW = (
    TEST_SLUG
    + """
    def test_runs_become_one_dash(self):
        self.assertEqual(slug("a -- b"), "a-b")

    def test_no_dash_at_the_ends(self):
        self.assertEqual(slug("Really?!"), "really")

    @unittest.skip("not yet")
    def test_other_alphabets(self):
        self.assertEqual(slug("\\u00e9"), "e")
"""
)
SLUGS = Story(
    repo="own/slugs",
    number=202,
    problem="Too many dashes\n\n`slug('a -- b')` should be `a-b`, and there should be no dash at either end.\n",
    base={
        "README.rst": "Slugs.\n",
        ".gitignore": "dist/\n",
        "pyproject.toml": '[project]\nname = "slugs"\nversion = "1.0"\n\n[tool.pytest.ini_options]\naddopts = "-ra"\n',
        "src/slugs/__init__.py": "from slugs.core import slug\n\n__all__ = ['slug']\n",
        "src/slugs/core.py": SLUG,
        "test_slugs.py": TEST_SLUG,
    },
    gold={
        "src/slugs/core.py": SLUG.replace(
            '"[^a-z0-9]", "-", title.lower())', '"[^a-z0-9]+", "-", title.lower()).strip("-")'
        )
    },
    wrong={"src/slugs/core.py": SLUG.replace('"[^a-z0-9]"', '"[^a-z0-9]+"')},
    test={"test_slugs.py": TEST_SLUG_NEW},
    fails=("test_slugs.py::SlugTest::test_no_dash_at_the_ends", "test_slugs.py::SlugTest::test_runs_become_one_dash"),
    passes=("test_slugs.py::SlugTest::test_plain", "test_slugs.py::SlugTest::test_two_words"),
    command="python -m pytest -rA -vv -o console_output_style=classic --tb=no",
    parser="parse_log_pytest_v2",
)

QUEUE = '''"""A queue in which what is urgent comes first."""

import heapq


class Queue:
    def __init__(self):
        self._heap = []

    def put(self, item, urgency=0):
        heapq.heappush(self._heap, (-urgency, item))

    def get(self):
        return heapq.heappop(self._heap)[1]

    def __len__(self):
        return len(self._heap)
'''
TEST_QUEUE = """import unittest

from lineup import Queue


class QueueTest(unittest.TestCase):
    def test_urgent_first(self):
        queue = Queue()
        queue.put("later")
        queue.put("now", urgency=9)
        self.assertEqual(queue.get(), "now")

    def test_length(self):
        queue = Queue()
        queue.put("a")
        self.assertEqual(len(queue), 1)
"""
TEST_QUEUE_NEW = (
    TEST_QUEUE
    + """
    def test_first_come_first_served(self):
        queue = Queue()
        for item in ("b", "a", "c"):
            queue.put(item)
        self.assertEqual([queue.get() for _ in range(3)], ["b", "a", "c"])
"""
)
LINEUP = Story(
    repo="own/lineup",
    number=3,
    problem="Equally urgent items come out sorted\n\nThey should come out in the order in which they were put in.\n",
    base={
        "README.rst": "Queues.\n",
        ".gitignore": "dist/\n",
        "src/lineup/__init__.py": "from lineup.queue import Queue\n\n__all__ = ['Queue']\n",
        "src/lineup/queue.py": QUEUE,
        "checks/__init__.py": "",
        "checks/test_queue.py": TEST_QUEUE,
    },
    gold={
        "src/lineup/queue.py": QUEUE.replace("self._heap = []", "self._heap = []\n        self._count = 0")
        .replace(
            "heapq.heappush(self._heap, (-urgency, item))",
            "self._count += 1\n        heapq.heappush(self._heap, (-urgency, self._count, item))",
        )
        .replace("heappop(self._heap)[1]", "heappop(self._heap)[2]")
    },
    wrong={"src/lineup/queue.py": QUEUE.replace("(-urgency, item)", "(-urgency, 0, item)").replace("[1]", "[2]")},
    test={"checks/test_queue.py": TEST_QUEUE_NEW},
    fails=("test_first_come_first_served (checks.test_queue.QueueTest.test_first_come_first_served)",),
    passes=(
        "test_length (checks.test_queue.QueueTest.test_length)",
        "test_urgent_first (checks.test_queue.QueueTest.test_urgent_first)",
    ),
    command="python -m unittest -v",
    parser="parse_log_django",
)
STORIES = (TILL, SLUGS, LINEUP)
