"""An agent without one edit, and what trying it again says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dgm.files import BadFiles, File, Files
from dgm.lineage.revert import reverted, trial
from dgm.statistics import paired_difference


def source(**texts: str) -> Files:
    return {name: File(text.encode()) for name, text in texts.items()}


SEED = source(start="a\nb\nc\nd\ne\n", other="x\n")
STEP = source(start="a\nB\nc\nd\ne\n", other="x\n", new="tool\n")
AGENT = source(start="a\nB\nc\nd\nE\n", other="y\n", new="tool\n")


def test_an_edit_is_taken_back_and_later_ones_stay() -> None:
    assert reverted(AGENT, STEP, SEED) == source(start="a\nb\nc\nd\nE\n", other="y\n")
    assert reverted(STEP, STEP, SEED) == SEED


@pytest.mark.parametrize(
    ("agent", "why"),
    [
        (source(start="a\nBB\nc\nd\ne\n", other="x\n", new="tool\n"), "the same in start"),
        (source(start="a\nb\nc\nd\ne\n", other="x\n", new="other tool\n"), "the same in new"),
        (source(start="a\nb\nc\nd\nE\n", other="x\n"), "nothing of the edit is left"),
    ],
)
def test_what_cannot_be_taken_back_is_said(agent: Files, why: str) -> None:
    with pytest.raises(BadFiles, match=why):
        reverted(agent, STEP, SEED)


def test_findings() -> None:
    tasks = [f"t/{n}" for n in range(6)]
    every, none = dict.fromkeys(tasks, True), dict.fromkeys(tasks, False)
    assert trial("a", tasks, [(every, none)], whole=True).finding == "confirmed"
    assert trial("a", tasks[:5], [(every, none)], whole=True).finding == "undecided"
    assert trial("a", tasks, [(every, none)], whole=True, looks=2).finding == "undecided"
    assert trial("a", tasks[:1], [(every, none)] * 6, whole=True).finding == "confirmed"
    assert trial("a", tasks, [(every, none)], whole=False).finding == "undecided"
    for pair in ((every, every), (none, none), (none, every)):
        assert trial("a", tasks, [pair], whole=True).finding == "not confirmed"
    assert trial("a", tasks, [], whole=True).finding == "undecided"
    half = trial("a", tasks, [(every, {"t/0": False})], whole=True)
    assert (half.pairs, half.missing, half.with_only) == (1, 5, 1)


OUTCOMES = st.dictionaries(st.sampled_from(["t/0", "t/1", "t/2"]), st.booleans())


@given(st.lists(st.tuples(OUTCOMES, OUTCOMES), max_size=5))
def test_pairs_are_counted(rounds: list[tuple[dict[str, bool], dict[str, bool]]]) -> None:
    tasks = ["t/0", "t/1", "t/2"]
    found = trial("a", tasks, rounds, whole=True)
    pairs = [(a[task], b[task]) for a, b in rounds for task in tasks if task in a and task in b]
    assert found.pairs == len(pairs)
    assert found.pairs + found.missing == len(rounds) * 3
    assert found.both + found.with_only == sum(a for a, _ in pairs) == sum(one.with_edit for one in found.by_task)
    assert found.both + found.without_only == sum(b for _, b in pairs) == sum(one.without for one in found.by_task)
    assert found.difference == paired_difference(found.with_only, found.without_only, found.both + found.neither)
    assert (found.finding == "confirmed") == (found.difference.low > 0)
