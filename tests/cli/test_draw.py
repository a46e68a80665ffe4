"""The lineage as lines."""

import pytest
from hypothesis import given

from dgm.cli.draw import ASCII, UNICODE, Glyphs, lines, strongest
from dgm.events import AnyEvent
from dgm.tree import Tree
from tests.worlds import logs


@pytest.mark.parametrize("glyphs", [UNICODE, ASCII])
@given(log=logs())
def test_a_line_an_agent(glyphs: Glyphs, log: list[AnyEvent]) -> None:
    tree = Tree(log)
    drawn = list(lines(tree, tree.best(), glyphs, 200))
    assert len(drawn) == len(tree.agents)
    assert sum(glyphs.best in line for line in drawn) == 1
    assert glyphs is UNICODE or all(line.isascii() for line in drawn)


@given(logs())
def test_the_strongest_come_with_their_ancestors(log: list[AnyEvent]) -> None:
    tree = Tree(log)
    for number in (1, 3, 1000):
        chosen = strongest(tree, 0.05, number)
        assert len(chosen) >= min(number, len(tree.agents))
        top = tree.best()
        assert top is not None
        assert not top.evaluations or any(
            (tree.agent(n).solved, tree.agent(n).failed) == (top.solved, top.failed) for n in chosen
        )
        for index in chosen:
            parent = tree.agent(index).parent
            assert parent is None or parent.index in chosen
        drawn = list(lines(tree, top, UNICODE, 200, None, chosen))
        assert len(drawn) == len(chosen)
