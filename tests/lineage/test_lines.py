"""Lines that changed, who wrote them, and three versions made into one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dgm.files import File, Files
from dgm.lineage.lines import authors, changed, lines_of, merge

TEXTS = st.lists(st.sampled_from(["a", "b", "", "c", "\n", "\r"]), max_size=12).map(
    lambda parts: File("".join(parts).encode())
)
SOURCES = st.dictionaries(st.sampled_from(["x", "y", "d/z"]), TEXTS)


def text(*lines: str) -> File:
    return File("".join(f"{line}\n" for line in lines).encode())


def test_changes_are_counted() -> None:
    old: Files = {"same": text("a"), "gone": text("a", "b"), "bin": File(b"\xff\x00"), "x": text("a", "b", "c")}
    new: Files = {"same": text("a"), "new": text("a"), "bin": File(b"\xff\x01"), "x": text("a", "B", "c", "d")}
    assert [(one.path, one.change, one.added, one.removed, one.text) for one in changed(old, new)] == [
        ("bin", "changed", 0, 0, False),
        ("gone", "removed", 0, 2, True),
        ("new", "added", 1, 0, True),
        ("x", "changed", 2, 1, True),
    ]
    assert changed({"a": File(b"x")}, {"a": File(b"x", True)})[0].change == "mode"


@given(TEXTS)
def test_lines_are_the_file(file: File) -> None:
    assert "".join(lines_of(file) or []).encode() == file.data


@given(st.lists(SOURCES, min_size=1, max_size=5))
def test_each_line_has_a_writer_that_had_it(versions: list[Files]) -> None:
    for path in versions[-1]:
        written = authors(versions, path)
        assert written is not None
        assert [line for _, line in written] == lines_of(versions[-1][path])
        for number, line in written:
            assert line in (lines_of(versions[number].get(path)) or [])


def test_lines_belong_to_the_version_that_wrote_them() -> None:
    versions = [
        {"f": text("a", "b")},
        {"f": text("a", "x", "b")},
        {},
        {"f": text("a", "b")},
        {"f": text("y", "a", "b")},
    ]
    assert authors(versions, "f") == [(4, "y\n"), (3, "a\n"), (3, "b\n")]
    assert authors(versions[:2], "f") == [(0, "a\n"), (1, "x\n"), (0, "b\n")]
    assert authors([{"f": File(b"\xff")}], "f") is None


@given(SOURCES, SOURCES)
def test_merging_one_change_is_that_change(base: Files, other: Files) -> None:
    assert merge(base, base, other).files == other
    assert merge(base, other, base).files == other
    assert merge(base, other, other).files == other


@given(SOURCES, SOURCES, SOURCES)
def test_merging_is_symmetric_and_invents_no_line(base: Files, ours: Files, theirs: Files) -> None:
    one, two = merge(base, ours, theirs), merge(base, theirs, ours)
    assert one == two
    for path, file in one.files.items():
        known = {line for source in (base, ours, theirs) for line in lines_of(source.get(path)) or []}
        assert set(lines_of(file) or []) <= known


def test_merging_keeps_both_changes_and_tells_conflicts() -> None:
    base: Files = {"f": text(*"abcdefgh"), "g": text("one")}
    ours: Files = {"f": text(*"aBcdefgh"), "g": text("two")}
    theirs: Files = {"f": File(text(*"abcdefGh").data, True), "g": text("three")}
    merged = merge(base, ours, theirs)
    assert merged.files["f"] == File(text(*"aBcdefGh").data, True)
    assert merged.conflicts == ("g",)
    assert merge({"f": text("a")}, {}, {"f": text("b")}).conflicts == ("f",)
    assert merge({"f": File(b"\xff")}, {"f": File(b"\xfe")}, {"f": File(b"\xfd")}).conflicts == ("f",)


@pytest.mark.parametrize("ours", ["aXbc", "abcX"])
def test_an_insertion_beside_another_is_a_conflict_only_where_they_meet(ours: str) -> None:
    merged = merge({"f": text(*"abc")}, {"f": text(*ours)}, {"f": text(*"aYbc")})
    assert merged.conflicts == (("f",) if ours == "aXbc" else ())
