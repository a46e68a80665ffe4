"""Lines that stayed the same, and diffs made of them."""

import difflib
import itertools
from difflib import SequenceMatcher

from hypothesis import given
from hypothesis import strategies as st

from dgm.alignment import _aligned, matches, unified

LINES = st.lists(st.sampled_from("abcdef"), max_size=12)


@given(LINES, LINES)
def test_matches_are_equal_lines_in_order(old: list[str], new: list[str]) -> None:
    place = (0, 0)
    for before, after, length in matches(old, new):
        assert (before, after) >= place
        assert length
        assert old[before : before + length] == new[after : after + length]
        place = before + length, after + length
    longest = SequenceMatcher(None, old, new, autojunk=False).find_longest_match().size
    assert sum(length for _, _, length in matches(old, new)) >= (longest > 0)


@given(LINES, LINES)
def test_between_lines_that_are_surely_the_same_as_many_are_kept_as_can_be(old: list[str], new: list[str]) -> None:
    most = [[0] * (len(new) + 1) for _ in range(len(old) + 1)]
    for a, b in itertools.product(range(len(old)), range(len(new))):
        most[a + 1][b + 1] = most[a][b] + 1 if old[a] == new[b] else max(most[a][b + 1], most[a + 1][b])
    assert len(_aligned(old, new)) == most[-1][-1]
    assert sum(length for _, _, length in matches(old, new)) <= most[-1][-1]


def test_popular_lines_cost_little() -> None:
    """What takes a longest-match algorithm a minute."""
    assert matches(["x"] * 2_000, ["y", *["x", "x", "z"] * 600]) == []


def test_hostile_files_cost_little() -> None:
    old = [str(n % 7) for n in range(40_000)]
    new = [str(n % 11) for n in range(40_000)]
    found = matches(["head", *old, "tail"], ["head", *new, "tail"])
    assert found == [(0, 0, 8), (40_001, 40_001, 1)], "only the ends are aligned: the middle would take hours"


LONG = st.lists(st.sampled_from("abcdefghijkl"), max_size=40)


@given(LONG, LONG, LONG, LONG)
def test_a_diff_is_written_as_is_usual(head: list[str], old: list[str], new: list[str], tail: list[str]) -> None:
    old, new = head + old + tail, head + new + tail
    found = SequenceMatcher(None, old, new).get_matching_blocks()
    blocks = [(one.a, one.b, one.size) for one in found if one.size]
    assert list(unified(old, new, blocks)) == list(difflib.unified_diff(old, new, lineterm=""))[2:]
