"""Conversations, put together from ledgers: whole, in order, each reply once, and nothing invented."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dgm.conversations import Conversation, conversations
from dgm.jobs import Usage
from dgm.ledger import CACHED, MAX_TEXT, NAME, Ledger

TOOL = {"type": "function", "function": {"name": "bash", "parameters": {"type": "object"}}}


def user(text: str) -> dict[str, Any]:
    return {"role": "user", "content": text}


def said(text: str, **more: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": text, **more}


class Job:
    """Talks into a ledger."""

    def __init__(self, folder: Path, role: str = "solve") -> None:
        self.ledger = Ledger(folder, durable=False, role=role)

    def ask(self, *messages: dict[str, Any], tools: list[Any] | None = None) -> int:
        request = {"model": "m", "messages": list(messages)} | ({"tools": tools} if tools else {})
        return self.ledger.reserve(0.5, request)

    def reply(self, call: int, reply: dict[str, Any]) -> None:
        self.ledger.settle(call, Usage(0.25, 1, 10, 5), 2.0, {"choices": [{"message": reply}]})

    def hear(self, reply: dict[str, Any], *messages: dict[str, Any], tools: list[Any] | None = None) -> None:
        self.reply(self.ask(*messages, tools=tools), reply)


def told(folder: Path) -> list[list[str]]:
    return [[message.text for message in one.messages] for one in conversations(folder)]


def only(folder: Path) -> Conversation:
    (one,) = conversations(folder)
    return one


def test_a_conversation_grows_from_call_to_call(tmp_path: Path) -> None:
    job = Job(tmp_path, "improve")
    call = {"id": "1", "type": "function", "function": {"name": "bash", "arguments": "{}"}}
    first = said("", tool_calls=[call], refusal=None, reasoning_content="hm")
    job.hear(first, user("do it"), tools=[TOOL])
    back = {"role": "assistant", "content": None, "tool_calls": [call]}
    job.hear(said("done"), user("do it"), back, {"role": "tool", "tool_call_id": "1", "content": "ok"}, tools=[TOOL])
    one = only(tmp_path)
    assert [message.plain() for message in one.messages] == [
        user("do it"),
        {"role": "assistant", "content": None, "tool_calls": [call], "reasoning_content": "hm"},
        {"role": "tool", "tool_call_id": "1", "content": "ok"},
        said("done"),
    ]
    assert (one.role, one.model, one.tools, one.complete, one.altered, one.shared) == (
        "improve",
        "m",
        [TOOL],
        True,
        0,
        0,
    )
    assert one.usage == Usage(0.5, 2, 20, 10, 4.0)


def test_a_call_that_failed_and_was_made_again_is_no_second_conversation(tmp_path: Path) -> None:
    job = Job(tmp_path)
    job.ledger.fail(job.ask(user("a")), 0.5, True, 1.0, "busy")
    job.ledger.fail(job.ask(user("a")), 0.0, False, 1.0, "busy")
    job.hear(said("b"), user("a"))
    assert told(tmp_path) == [["a", "b"]]
    assert only(tmp_path).usage == Usage(0.75, 2, 10, 5, 3.0)


def test_the_same_request_twice_is_two_conversations(tmp_path: Path) -> None:
    job = Job(tmp_path)
    job.hear(said("b"), user("a"))
    job.hear(said("c"), user("a"))
    job.hear(said("e"), user("a"), said("b"), user("d"))
    assert told(tmp_path) == [["a", "c"], ["a", "b", "d", "e"]]
    assert [one.shared for one in conversations(tmp_path)] == [1, 0]


def test_requests_under_way_at_the_same_time_are_kept_apart(tmp_path: Path) -> None:
    job = Job(tmp_path)
    calls = [job.ask(user("a")), job.ask(user("a"))]
    job.reply(calls[1], said("second"))
    job.reply(calls[0], said("first"))
    assert sorted(told(tmp_path)) == [["a", "first"], ["a", "second"]]


def test_a_fresh_start_shares_the_beginning(tmp_path: Path) -> None:
    job = Job(tmp_path)
    job.hear(said("no"), {"role": "system", "content": "s"}, user("a"))
    job.hear(said("yes"), {"role": "system", "content": "s"}, user("b"))
    assert told(tmp_path) == [["s", "a", "no"], ["s", "b", "yes"]]
    assert [one.shared for one in conversations(tmp_path)] == [0, 1]


def test_words_put_into_the_models_mouth_are_counted(tmp_path: Path) -> None:
    job = Job(tmp_path)
    job.hear(said("b"), user("a"))
    job.hear(said("d"), user("a"), said("B!"), user("c"))
    assert told(tmp_path) == [["a", "B!", "c", "d"]]
    assert only(tmp_path).altered == 1


def test_what_the_ledger_cut_makes_it_incomplete(tmp_path: Path) -> None:
    job = Job(tmp_path)
    job.hear(said("b"), user("a" * (MAX_TEXT + 1)))
    assert not only(tmp_path).complete


def test_what_a_full_ledger_left_out_makes_it_incomplete(tmp_path: Path) -> None:
    job = Job(tmp_path)
    job.hear(said("b"), user("a"))
    job.ledger.close()
    with (tmp_path / NAME).open("a") as file:
        file.write(json.dumps({"call": 2, "reserve": 1.0, "request": None}) + "\n")
        file.write(json.dumps({"call": 2, "usd": 1.0, "in": 1, "out": 1, "seconds": 1, "response": None}) + "\n")
        file.write(json.dumps({"call": 3, "reserve": 1.0, "request": {"keep": 9, "messages": [user("x")]}}) + "\n")
    assert told(tmp_path) == [["a", "b"]]
    assert not only(tmp_path).complete


def test_a_torn_line_costs_what_rests_on_it_alone(tmp_path: Path) -> None:
    job = Job(tmp_path)
    job.hear(said("b"), user("a"))
    job.ledger.close()
    with (tmp_path / NAME).open("ab") as file:
        file.write(b'{"call":2,"reserve":0.5,"requ')
    again = Job(tmp_path)
    again.hear(said("d"), user("c"))
    assert told(tmp_path) == [["a", "b"], ["c", "d"]]


def test_what_nobody_answered_is_no_conversation(tmp_path: Path) -> None:
    job = Job(tmp_path)
    job.ask(user("a"))
    assert told(tmp_path) == []
    assert told(tmp_path / "nowhere") == []


def test_what_another_run_held_is_marked(tmp_path: Path) -> None:
    Job(tmp_path / CACHED).hear(said("b"), user("a"))
    assert only(tmp_path).cached


def test_tools_of_a_try_are_not_those_of_the_one_before(tmp_path: Path) -> None:
    first = Job(tmp_path)
    first.hear(said("b"), user("a"), tools=[TOOL])
    first.ledger.close()
    Job(tmp_path).hear(said("d"), user("c"))
    assert [one.tools for one in conversations(tmp_path)] == [[TOOL], []]


@given(st.lists(st.integers(0, 5), min_size=1, max_size=40))
def test_conversations_come_back_however_they_interleave(turns: list[int]) -> None:
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as name:
        folder, held = Path(name), dict[int, list[dict[str, Any]]]()
        job = Job(folder)
        for number, which in enumerate(turns):
            messages = held.setdefault(which, [])
            messages.append(user(f"{which} asks {number}"))
            reply = said(f"answer {number}")
            job.hear(reply, *messages)
            messages.append(reply)
        job.ledger.close()
        expected = [[message["content"] for message in messages] for messages in held.values()]
        assert sorted(told(folder)) == sorted(expected)
        assert all(one.complete and not one.altered and not one.shared for one in conversations(folder))


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["call", "reserve", "request", "keep", "messages", "role", "content"]), inner)
    ),
)


@given(st.lists(st.binary(max_size=30) | VALUES.map(lambda value: json.dumps(value).encode()), max_size=8))
def test_no_ledger_can_break_it(lines: list[bytes]) -> None:
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as name:
        (Path(name) / NAME).write_bytes(b"\n".join(lines))
        for one in conversations(Path(name)):
            json.dumps([message.plain() for message in one.messages])


@pytest.mark.parametrize("keep", [-1, 5])
def test_a_message_count_that_cannot_be_is_not_believed(tmp_path: Path, keep: int) -> None:
    line = {"call": 1, "reserve": 0, "request": {"keep": keep, "messages": [user("a")], "model": "m"}}
    (tmp_path / NAME).write_text(json.dumps(line) + "\n" + json.dumps({"call": 1, "usd": 0, "response": None}))
    assert told(tmp_path) == []
