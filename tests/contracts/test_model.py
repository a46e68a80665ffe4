"""What every `Model` owes the gateway."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from dgm.config import ModelConfig
from dgm.llm import open_model
from dgm.llm.canned import CannedModel
from dgm.llm.cassette import Player, Recorder
from dgm.protocols import Chat, Model, Price
from dgm.spending import tokens_of
from tests.provider_server import provider
from tests.starter import starter

# litellm's own: an event loop that its log worker leaves open.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed event loop:ResourceWarning")

TOOL = {
    "type": "function",
    "function": {
        "name": "bash",
        "description": "Run a command.",
        "parameters": {"type": "object", "properties": {"command": {"type": "string"}}, "required": ["command"]},
    },
}
SAID = {"role": "user", "content": "Mend what is broken."}
CALLED = {
    "role": "assistant",
    "content": None,
    "tool_calls": [{"id": "c", "type": "function", "function": {"name": "bash", "arguments": '{"command": "ls"}'}}],
}
RESULT = {"role": "tool", "tool_call_id": "c", "content": "a.py"}
REQUESTS: dict[str, dict[str, Any]] = {
    "plain": {"messages": [SAID]},
    "tools": {"messages": [{"role": "system", "content": "You code."}, SAID], "tools": [TOOL]},
    "a tool's result": {"messages": [SAID, CALLED, RESULT], "tools": [TOOL], "tool_choice": "auto"},
    "parts": {"messages": [{"role": "user", "content": [{"type": "text", "text": "hi"}]}], "temperature": 0.5},
}


def request(model: Model, kind: str) -> dict[str, Any]:
    return {"model": model.name, "max_tokens": 200, **REQUESTS[kind]}


@pytest.fixture(params=["canned", "scripted", "provider", "player"])
def model(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Model]:
    if request.param == "canned":
        yield CannedModel()
    elif request.param == "scripted":
        yield open_model(ModelConfig(), starter(), {})
    elif request.param == "player":
        yield played(tmp_path / "tape.jsonl")
    else:
        request.getfixturevalue("litellm")
        with provider() as server:
            settings = ModelConfig(
                name="openai/m", api_base=server.url, usd_per_million_in=1.0, usd_per_million_out=2.0
            )
            yield open_model(settings, starter(), {})


def played(tape: Path) -> Player:
    recorder = Recorder(CannedModel(), tape)
    for kind in REQUESTS:
        for _ in range(16):
            recorder.complete({"model": "canned", "max_tokens": 200, **REQUESTS[kind]}, 1.0)
    return Player(tape)


@pytest.mark.parametrize("kind", REQUESTS)
def test_it_replies_in_the_wire_format(model: Model, kind: str) -> None:
    asked = request(model, kind)
    before = msgspec.json.encode(asked)
    reply = model.complete(asked, 60.0)
    assert msgspec.json.encode(asked) == before, "the request belongs to the caller"
    assert msgspec.json.decode(msgspec.json.encode(reply)) == reply, "it is plain data"
    (choice,) = reply["choices"]
    message = choice["message"]
    assert message["role"] == "assistant"
    assert isinstance(message["content"], str | None)
    for call in message.get("tool_calls") or ():
        assert call["type"] == "function"
        assert isinstance(call["id"], str)
        assert isinstance(call["function"]["name"], str)
        assert isinstance(msgspec.json.decode(call["function"]["arguments"]), dict)
    assert message["content"] or message.get("tool_calls")
    assert choice["finish_reason"] in ("stop", "length", "tool_calls")


@pytest.mark.parametrize("kind", REQUESTS)
def test_it_says_what_it_used(model: Model, kind: str) -> None:
    tokens = tokens_of(model.complete(request(model, kind), 60.0))
    assert tokens is not None
    assert tokens[0] > 0


def test_it_has_a_name_and_a_price(model: Model) -> None:
    assert model.name
    price = model.price()
    assert isinstance(price, Price)
    assert price.usd_in >= 0 <= price.usd_out


def test_many_threads_may_ask_at_once(model: Model) -> None:
    replies: list[Chat] = []
    asked = request(model, "tools")
    threads = [threading.Thread(target=lambda: replies.append(model.complete(asked, 60.0))) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(replies) == 16
