"""Logs that released versions wrote are folded forever, to the same tree."""

from pathlib import Path

import pytest

from dgm.log import LogReader
from dgm.tree import Tree

GOLDEN = Path(__file__).parent / "golden"
EXPECTED = {
    "0.1.0.log": {
        "agents": 13,
        "evaluations": 120,
        "solved": 57,
        "failures": {"stillborn": 5},
        "calls": 576,
        "best": "94997ae3",
        "code": 0,
    }
}


def test_every_golden_log_has_an_expectation() -> None:
    assert {path.name for path in GOLDEN.iterdir()} == EXPECTED.keys()


@pytest.mark.parametrize("name", EXPECTED)
def test_a_golden_log_gives_the_tree_that_it_always_gave(name: str) -> None:
    tree = Tree(LogReader(GOLDEN / name).events())
    best = tree.best()
    assert best is not None
    assert tree.ended is not None
    assert EXPECTED[name] == {
        "agents": len(tree.agents),
        "evaluations": tree.evaluations,
        "solved": tree.solved,
        "failures": dict(tree.failures),
        "calls": tree.spent.calls,
        "best": best.id[:8],
        "code": tree.ended.code,
    }
