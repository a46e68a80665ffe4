"""Expanding, up to the sandbox: what is made of a model's words, and which children are refused."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dgm.expand import Diagnosis, one_line, parse, question, refusal
from dgm.files import File, digest
from dgm.jobs import Assignment, Evidence, Expand

GOOD = {"summary": "s", "weakness": "w", "proposal": "Show the files first", "brief": "Do it in main.py"}
SOURCE = {"start": File(b"exec true\n", True), "main.py": File(b"print(1)\n")}


@pytest.mark.parametrize(
    "reply",
    [
        json.dumps(GOOD),
        f"Here it is:\n```json\n{json.dumps(GOOD, indent=2)}\n```\nDone.",
        f"I think {{so}}. {json.dumps(GOOD)} And {{}} more",
        json.dumps({"x": 1}) + json.dumps(GOOD),
        json.dumps(GOOD).replace("Do it", "Do\nit"),
    ],
)
def test_a_diagnosis_is_found_wherever_it_stands(reply: str) -> None:
    found = parse(reply)
    assert found is not None
    assert found.proposal == "Show the files first"
    assert found.brief.split() == ["Do", "it", "in", "main.py"]


@pytest.mark.parametrize("reply", ["", "no", "{", "{" * 3000, '{"summary": "only"}', "[1]", '{"brief": ""}', "null"])
def test_what_is_no_diagnosis_is_none(reply: str) -> None:
    assert parse(reply) is None


@given(st.text() | st.recursive(st.none() | st.text(), lambda x: st.dictionaries(st.text(), x)).map(json.dumps))
def test_any_reply_can_be_read(reply: str) -> None:
    assert parse(reply) is None or isinstance(parse(reply), Diagnosis)


def test_values_that_are_no_strings_and_missing_ones_are_made_up_for() -> None:
    assert parse('{"brief": ["a", "b"], "extra": 1}') == Diagnosis(proposal='["a", "b"]', brief='["a", "b"]')
    assert parse('{"proposal": "p"}') == Diagnosis(proposal="p", brief="p")


def test_half_a_character_is_replaced() -> None:
    assert parse(r'{"brief": "a \ud83d b"}') == Diagnosis(proposal="a ? b", brief="a ? b")


def test_a_proposal_becomes_one_plain_line() -> None:
    assert one_line("a\n\x1b[31mb\tc") == "a [31mb c"
    assert len(one_line("x" * 500)) == 120


def test_the_question_shows_the_source_and_the_failure() -> None:
    asked = question(SOURCE, Evidence("toy/1", "Fix it", "I tried", "--- a.py"))
    assert all(part in asked for part in ("print(1)", "Fix it", "I tried", "--- a.py"))
    assert "No failure" in question(SOURCE, None)


@pytest.mark.parametrize(
    ("child", "says"),
    [
        ({}, "empty"),
        ({"main.py": File(b"")}, "no `start`"),
        (SOURCE, "unchanged"),
        ({**SOURCE, "known.py": File(b"")}, "exactly this source"),
        ({**SOURCE, "new.py": File(b"")}, None),
    ],
)
def test_a_child_that_deserves_no_evaluation_is_refused(child: dict[str, File], says: str | None) -> None:
    known = frozenset({digest({**SOURCE, "known.py": File(b"")})})
    found = refusal(child, Assignment(1, Expand("a" * 40), SOURCE, known=known))
    assert found is None if says is None else says in str(found)
