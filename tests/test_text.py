"""Text for terminals."""

import io

from hypothesis import given
from hypothesis import strategies as st

from dgm.jobs import Usage
from dgm.text import aligned, clip, colourful, count, dollars, duration, encodable, paragraph, plain, spent


@given(st.text())
def test_no_text_keeps_control_of_a_terminal(text: str) -> None:
    assert plain(text).isprintable()
    assert all(line.isprintable() for line in paragraph(text).replace("\t", "").split("\n"))
    assert len(clip(text, 20)) <= 20


@given(st.text(st.characters(categories=("L", "N", "P"))))
def test_harmless_text_stays_as_it_is(text: str) -> None:
    assert plain(text) == text
    assert paragraph(text) == text


def test_escapes_are_shown() -> None:
    assert plain("a\x1b[31mb\nc\x9b") == "a\\x1b[31mb c\\x9b"
    assert paragraph("a\r\n\tb\x07") == "a\n\tb\\x07"


def test_what_nobody_metered_is_not_said_to_be_free() -> None:
    assert spent(Usage(seconds=3.0)) == "no model call on record"
    assert spent(Usage(0.0, 1, 10, 2)) == "$0.00, 1 model call, 10 tokens in, 2 out"


def test_numbers() -> None:
    assert [dollars(usd) for usd in (0.0, 0.0012, 0.5, 12.345)] == ["$0.00", "$0.0012", "$0.50", "$12.35"]
    assert [duration(s) for s in (-1, 0.25, 42, 125, 7325)] == ["0.0 s", "0.2 s", "42 s", "2 min 05 s", "2 h 02 min"]
    assert [count(n, w) for n, w in ((1, "job"), (2, "job"), (0, "reply"), (1200, "reply"))] == [
        "1 job",
        "2 jobs",
        "0 replies",
        "1,200 replies",
    ]


def test_files_get_no_colour() -> None:
    assert not colourful(io.StringIO())
    assert not encodable("├", io.TextIOWrapper(io.BytesIO(), "ascii"))


def test_a_table_keeps_to_its_width_and_leaves_out_what_is_empty() -> None:
    rows = [("agent", "n", "flags", "words"), ("a", "1", "", "one"), ("bcd", "22", "", "")]
    assert aligned(rows, left=(0, 3)) == ["agent   n  words", "a       1  one", "bcd    22"]
    assert aligned(rows, most=11) == ["agent   n", "a       1", "bcd    22", "agent  words", "a        one", "bcd"]
