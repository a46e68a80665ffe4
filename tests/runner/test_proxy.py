"""The way from an exported agent to its model: what passes, what is added, what is kept back."""

import http.client
import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dgm.runner import proxy
from dgm.runner.proxy import Endpoint, Proxy, Refusal
from tests.provider_server import KEY, Provider, provider

ASK = {"messages": [{"role": "user", "content": "hello"}], "model": "the most expensive one"}


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proxy, "FIRST_PAUSE", 0.001)


@pytest.fixture
def server() -> Iterator[Provider]:
    with provider() as server:
        yield server


def endpoint(server: Provider, calls: int = 10, seconds: float = 60.0, key: str = KEY) -> Endpoint:
    return Endpoint(server.url + "/", key, "m", calls, time.monotonic() + seconds, lambda text: None)


def ask(way: Endpoint, **more: Any) -> dict[str, Any]:
    reply = json.loads(way.complete(json.dumps({**ASK, **more}).encode()))
    assert isinstance(reply, dict)
    return reply


def test_the_model_and_the_key_are_the_users(server: Provider) -> None:
    way = endpoint(server)
    reply = ask(way, temperature=0.5, stream=True, n=50, user="me", store=True)
    assert reply["choices"][0]["message"]["content"] == "hello"
    assert server.seen == [{"messages": ASK["messages"], "model": "m", "temperature": 0.5}]
    assert server.keys == [f"Bearer {KEY}"]
    assert (way.calls, way.tokens_in, way.tokens_out, way.trouble) == (1, 100, 10, "")


def test_no_key_is_sent_where_there_is_none(server: Provider) -> None:
    ask(endpoint(server, key=""))
    assert server.keys == [""]


def test_a_reply_does_not_carry_the_key(server: Provider) -> None:
    server.script = ["leak"]
    assert ask(endpoint(server))["choices"][0]["message"]["content"] == "your key is [key]"


@pytest.mark.parametrize("how", ["500", "429", "wait", "drop", "half", "garbage", "empty", "no choices"])
def test_what_may_pass_is_tried_again(server: Provider, how: str) -> None:
    server.script = [how, how]
    way = endpoint(server)
    assert ask(way)["choices"]
    assert (len(server.seen), way.calls, way.trouble) == (3, 1, "")


@pytest.mark.parametrize(("how", "status"), [("500", 503), ("garbage", 502), ("wait long", 503)])
def test_what_does_not_pass_is_told(server: Provider, how: str, status: int) -> None:
    server.usual = how
    way = endpoint(server)
    with pytest.raises(Refusal) as refused:
        ask(way)
    assert refused.value.status == status
    assert way.trouble
    assert len(server.seen) <= proxy.TRIES


@pytest.mark.parametrize("how", ["401", "403", "400", "404", "no credit", "low balance", "too long"])
def test_what_is_refused_is_not_asked_again(server: Provider, how: str) -> None:
    server.usual = how
    way = endpoint(server)
    with pytest.raises(Refusal) as refused:
        ask(way)
    assert 400 <= refused.value.status < 500
    assert len(server.seen) == 1
    assert KEY not in str(refused.value)
    assert KEY not in way.trouble


@pytest.mark.parametrize("how", ["hang", "drip"])
def test_an_answer_that_does_not_come_ends_at_the_limit(server: Provider, how: str) -> None:
    server.usual = how
    with pytest.raises(Refusal, match="cannot be reached"):
        ask(endpoint(server, seconds=0.3))


def test_calls_are_limited(server: Provider) -> None:
    way = endpoint(server, calls=2)
    ask(way)
    ask(way)
    with pytest.raises(Refusal, match="limit of 2 calls") as refused:
        ask(way)
    assert refused.value.status == 402
    assert len(server.seen) == 2


def test_a_parameter_that_the_endpoint_does_not_take_is_left_out(server: Provider, monkeypatch: Any) -> None:
    def picky(answers: Any) -> None:
        last = server.seen[-1]
        for name in ("max_tokens", "temperature"):
            if name in last:
                error = {"message": "Unsupported parameter", "param": name, "code": "unsupported_parameter"}
                return answers.send(400, {"error": error})
        answers.send(200, {"choices": [{"message": {"role": "assistant", "content": "fine"}}]})

    from tests.provider_server import Answers

    monkeypatch.setitem(Answers.how, "fine", picky)
    way = endpoint(server)
    ask(way, max_tokens=100, temperature=0.0)
    ask(way, max_tokens=50)
    assert server.seen[-2:] == [
        {"messages": ASK["messages"], "model": "m", "max_completion_tokens": 100},
        {"messages": ASK["messages"], "model": "m", "max_completion_tokens": 50},
    ]
    assert len(server.seen) == 4


def test_no_redirect_is_followed(server: Provider, monkeypatch: Any) -> None:
    from tests.provider_server import Answers

    monkeypatch.setitem(Answers.how, "fine", lambda answers: answers.send(307, "{}", Location=server.url + "/other"))
    with pytest.raises(Refusal, match="redirect"):
        ask(endpoint(server))
    assert len(server.seen) == 1


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"messages": 1}', b"\xff", b"[" * 100_000])
def test_nonsense_is_refused(server: Provider, body: bytes) -> None:
    with pytest.raises(Refusal) as refused:
        endpoint(server).complete(body)
    assert refused.value.status == 400
    assert not server.seen


def over(path: Path, method: str, where: str, body: bytes = b"") -> tuple[int, dict[str, Any]]:
    door = http.client.HTTPConnection("localhost", timeout=10)
    door.sock = socket.socket(socket.AF_UNIX)
    door.sock.connect(str(path))
    try:
        door.request(method, where, body)
        response = door.getresponse()
        return response.status, json.loads(response.read())
    finally:
        door.close()


def test_the_socket(server: Provider, tmp_path: Path) -> None:
    path = tmp_path / "s"
    with Proxy(str(path), endpoint(server)) as door:
        assert over(path, "POST", "/v1/chat/completions", json.dumps(ASK).encode())[0] == 200
        assert over(path, "GET", "/v1/models")[1]["data"][0]["id"] == "m"
        assert over(path, "GET", "/v1/files")[0] == 404
        assert over(path, "POST", "/v1/files", b"{}")[0] == 400
        server.usual = "401"
        status, said = over(path, "POST", "/v1/chat/completions", json.dumps(ASK).encode())
        assert (status, said["error"]["code"]) == (401, "401")
        assert KEY not in said["error"]["message"]
        door.shutdown()
