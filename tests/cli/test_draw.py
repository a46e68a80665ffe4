"""The lineage as lines."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dgm.cli.draw import ASCII, UNICODE, Glyphs, Picture, head, legend, lines
from dgm.events import AgentBorn, AnyEvent, JobStarted, RunConfigured
from dgm.jobs import Expand
from dgm.tree import Tree
from tests.worlds import TASKS, logs, name


@pytest.mark.parametrize("glyphs", [UNICODE, ASCII])
@given(log=logs())
def test_a_line_an_agent(glyphs: Glyphs, log: list[AnyEvent]) -> None:
    tree = Tree(log)
    drawn = list(lines(Picture(tree, tree.best(), glyphs, 200)))
    assert len(drawn) == len(tree.agents)
    assert sum(glyphs.best in line for line in drawn) == 1
    assert glyphs is UNICODE or all(line.isascii() for line in drawn)


@given(logs(), st.sets(st.integers(0, 40)))
def test_every_agent_is_on_a_line_or_counted_on_one(log: list[AnyEvent], shown: set[int]) -> None:
    tree = Tree(log)
    shown = {index for index in shown if index < len(tree.agents)} | {0}
    drawn = list(lines(Picture(tree, tree.best(), UNICODE, 200, shown)))
    assert len(drawn) == len(shown)
    hidden = [int(found.group(1)) for line in drawn if (found := re.search(r"\(\+(\d+)", line))]
    assert len(shown) + sum(hidden) == len(tree.agents)


def forked(words: str = "a change \x1b[2J\u202e" * 40) -> Tree:
    """A seed with three children, of which the second has two, and below it a long chain."""
    parents = [0, 0, 0, 2, 2, *range(5, 40)]
    tree = Tree([RunConfigured(1.0, "0", {}, TASKS, "v"), AgentBorn(1.0, name(0), name(0))])
    for number, parent in enumerate(parents, 1):
        tree.apply(JobStarted(1.0, number, Expand(name(parent))))
        tree.apply(AgentBorn(1.0, name(number), name(number), name(parent), number, words))
    return tree


def test_the_way_to_the_best_agent_is_marked() -> None:
    tree = forked("x")
    drawn = list(lines(Picture(tree, tree.agent(5), UNICODE, 200)))[:6]
    assert [line[line.index("-    $0.00  ") + 12 :].replace("[new] ", "") for line in drawn] == [
        "● seed",
        "╟─ x",
        "╠═ x",
        "│  ╟─ x",
        "│  ╚═ ★ x",
        "│     └─ x",
    ]


@pytest.mark.parametrize("width", [60, 80, 100, 200])
@pytest.mark.parametrize("glyphs", [UNICODE, ASCII])
def test_it_fits(width: int, glyphs: Glyphs) -> None:
    tree = forked()
    drawn = [head(tree, width), *lines(Picture(tree, tree.agent(30), glyphs, width))]
    drawn += legend(glyphs, width, drawn)
    assert max(map(len, drawn)) <= width
    assert not any(ord(c) < 32 or c == "\u202e" for line in drawn for c in line)
