import http.client
import json
import os
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from dgm import server as server_module
from dgm.config import CapsConfig, ConfigError, ModelConfig
from dgm.door import Door
from dgm.gateway import Gateway
from dgm.jobs import Usage
from dgm.ledger import read_transcript, spent
from dgm.llm.canned import CannedModel
from dgm.llm.provider import ProviderModel
from dgm.protocols import Chat, Price
from dgm.spending import OVERHEAD_TOKENS, Spending, most_tokens
from dgm.wire import Refusal
from tests.provider_server import KEY, Provider, provider

# litellm's own: an event loop that its log worker leaves open.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed event loop:ResourceWarning")

AGENT = "a" * 40
HI = [{"role": "user", "content": "hi"}]
USD_IN, USD_OUT = 1.0, 4.0
COST = (100 * USD_IN + 10 * USD_OUT) / 1e6
"""What one reply of the test provider costs."""


class Connection(http.client.HTTPConnection):
    def __init__(self, folder: Path) -> None:
        super().__init__("door", timeout=60)
        self.path = folder / "model.sock"

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(60)
        self.sock.connect(str(self.path))


def post(door: Door, body: object, **headers: str) -> tuple[int, Any]:
    connection = Connection(door.folder)
    try:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        connection.request("POST", "/v1/chat/completions", data, headers)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def raw(door: Door, data: bytes) -> bytes:
    """What the server says to `data` before it closes the connection."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(60)
        connection.connect(str(door.folder / "model.sock"))
        try:
            connection.sendall(data)
            parts = []
            while part := connection.recv(65536):
                parts.append(part)
        except (ConnectionResetError, BrokenPipeError):
            pass
        return b"".join(parts)


class Lab:
    """A gateway to the test provider, through litellm. `caps` and `settings` override its configuration."""

    def __init__(self, provider: Provider, folder: Path) -> None:
        self.provider = provider
        self.folder = folder / "job"
        self.gateways: list[Gateway] = []

    def gateway(self, settings: dict[str, Any] | None = None, **caps: Any) -> Gateway:
        chosen: dict[str, Any] = {"usd_per_million_in": USD_IN, "usd_per_million_out": USD_OUT, **(settings or {})}
        config = ModelConfig(name="openai/m", api_base=self.provider.url, api_key_env="TEST_KEY", **chosen)
        model = ProviderModel(config, {"TEST_KEY": KEY})
        self.spending = Spending(CapsConfig(**caps))
        gateway = Gateway({"solve": (config, model)}, self.spending, secrets=[KEY], backoff=0.01)
        self.gateways.append(gateway)
        return gateway

    def door(self, settings: dict[str, Any] | None = None, **caps: Any) -> Door:
        return self.gateway(settings, **caps).open(1, AGENT, "solve", self.folder)


@pytest.fixture
def lab(litellm: Any, tmp_path: Path) -> Iterator[Lab]:
    with provider() as running:
        lab = Lab(running, tmp_path)
        try:
            yield lab
        finally:
            running.release.set()
            for gateway in lab.gateways:
                gateway.close()


class Plain:
    """A model in the same process, as fast as can be; `reply` may raise."""

    name = "plain"

    def __init__(self, reply: Callable[[Chat], Chat] | None = None, price: Price | None = Price(0.0, 0.0)) -> None:
        self._reply = reply
        self._price = price
        self.seen: list[Chat] = []

    def price(self) -> Price | None:
        return self._price

    def complete(self, request: Chat, seconds: float) -> Chat:
        self.seen.append(request)
        if self._reply is not None:
            return self._reply(request)
        choice = {"index": 0, "message": {"role": "assistant", "content": "fine"}, "finish_reason": "stop"}
        return {"choices": [choice], "usage": {"prompt_tokens": 3, "completion_tokens": 1}}


@pytest.fixture
def plain() -> Plain:
    return Plain()


@pytest.fixture
def door(plain: Plain, tmp_path: Path) -> Iterator[Door]:
    """A door to a model that costs nothing, for what happens on its near side."""
    with Gateway({"solve": (ModelConfig(name="plain"), plain)}, Spending(CapsConfig())) as gateway:
        yield gateway.open(1, AGENT, "solve", tmp_path / "job")


# ---------------------------------------------------------------- a call


def test_a_call_goes_through_and_is_accounted_for(lab: Lab) -> None:
    door = lab.door()
    status, reply = post(door, {"model": door.model, "messages": HI, "temperature": 0.5})
    assert status == 200
    assert reply["choices"][0]["message"] == {"role": "assistant", "content": "hello"}
    assert lab.provider.seen == [{"model": "m", "messages": HI, "temperature": 0.5, "max_tokens": 4096}]
    assert door.usage == Usage(COST, 1, 100, 10)
    assert spent(lab.folder) == door.usage
    assert lab.spending.usd == pytest.approx(COST)
    assert lab.spending.reserved == 0
    assert door.fault is None


def test_the_host_asks_by_the_same_rules(lab: Lab) -> None:
    door = lab.door(calls_per_job=1)
    assert door.ask(HI, max_tokens=7) == "hello"
    assert lab.provider.seen[0]["max_tokens"] == 7
    assert door.usage == Usage(COST, 1, 100, 10)
    with pytest.raises(Refusal, match="calls_per_job"):
        door.ask(HI)
    with pytest.raises(Refusal, match="api_base"):
        door.ask(HI, api_base="http://elsewhere")


def test_one_connection_serves_many_calls(door: Door, plain: Plain) -> None:
    connection = Connection(door.folder)
    try:
        for _ in range(3):
            connection.request("POST", "/v1/chat/completions", json.dumps({"messages": HI}))
            assert connection.getresponse().read()
        connection.request("GET", "/v1/models")
        listed = json.loads(connection.getresponse().read())
        assert [model["id"] for model in listed["data"]] == ["plain"]
    finally:
        connection.close()
    assert len(plain.seen) == 3


def test_anyone_may_connect_but_only_the_owner_may_look_around(door: Door) -> None:
    assert len(str(door.folder / "model.sock").encode()) < 100
    assert door.folder.stat().st_mode & 0o777 == 0o755
    assert (door.folder / "model.sock").stat().st_mode & 0o777 == 0o666
    assert door.folder.parent.stat().st_mode & 0o777 == 0o700


def test_a_price_must_be_known(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="usd_per_million_in"):
        Gateway({"solve": (ModelConfig(name="m"), Plain(price=None))}, Spending(CapsConfig()))


def test_more_tokens_than_configured_are_never_asked_for(lab: Lab) -> None:
    door = lab.door({"max_tokens": 100})
    for asked in ({}, {"max_tokens": 10**9}, {"max_completion_tokens": 20}, {"max_tokens": 30, "n": 1}):
        assert post(door, {"messages": HI, **asked})[0] == 200
    assert [request["max_tokens"] for request in lab.provider.seen] == [100, 100, 20, 30]


# ---------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    "change",
    [
        {"model": "openai/other"},
        {"stream": True},
        {"n": 2},
        {"api_base": "http://elsewhere"},
        {"base_url": "http://elsewhere"},
        {"api_key": "mine"},
        {"extra_headers": {}},
        {"extra_body": {}},
        {"web_search_options": {}},
        {"mock_response": "x"},
        {"tools": [{"type": "web_search"}]},
        {"tools": [{"type": "mcp", "server_url": "http://elsewhere"}]},
        {"tools": [{"type": "function", "function": {"name": "a b"}}]},
        {"tools": [{"type": "function", "function": {"name": "f"}, "server_url": "http://elsewhere"}]},
        {"tool_choice": {"type": "web_search"}},
        {"messages": []},
        {"messages": "hi"},
        {"messages": [{"role": "root", "content": "hi"}]},
        {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "http://x/y.png"}}]}]},
        {"messages": [{"role": "user", "content": [{"type": "file", "file": {"file_id": "1"}}]}]},
        {"messages": [{"role": "user", "content": {"text": "hi"}}]},
        {"temperature": 3},
        {"temperature": "hot"},
        {"max_tokens": 0},
        {"max_tokens": -5},
        {"max_tokens": 1.5},
        {"stop": ["a"] * 5},
        {"seed": 2**70},
        {"response_format": {"type": "grammar"}},
        {"response_format": {"type": "json_schema", "json_schema": [1]}},
        {"tools": [{"type": "function", "function": {"name": "f", "parameters": "x"}}]},
    ],
    ids=lambda change: json.dumps(change)[:60],
)
def test_what_is_not_foreseen_is_refused_and_costs_nothing(door: Door, plain: Plain, change: dict[str, Any]) -> None:
    status, answer = post(door, {"messages": HI, **change})
    assert status in (400, 404)
    assert answer["error"]["message"]
    assert answer["error"]["type"] == "invalid_request_error"
    assert not plain.seen
    assert door.usage == Usage()
    assert door.fault is None


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"nonsense",
        b"[]",
        b"null",
        b'"x"',
        b"\xff\xfe",
        b'{"messages": [{"role": "user", "content": "\\ud800"}]}',
        b'{"messages": ' + b"[" * 100_000,
        b'{"messages":[{"role":"user","content":"a"}],"response_format":{"type":"json_schema","json_schema":'
        + b'{"a":' * 300 + b"1" + b"}" * 300 + b"}}",
        b'{"messages":[{"role":"user","content":"a"}],"max_tokens":' + b"9" * 5000 + b".5}",
    ],
)  # fmt: skip
def test_bodies_that_are_no_request_are_refused(door: Door, plain: Plain, body: bytes) -> None:
    assert post(door, body)[0] in (400, 411)
    assert not plain.seen
    assert post(door, {"messages": HI})[0] == 200


def test_schemas_pass_as_they_are_but_not_huge_ones(door: Door, plain: Plain) -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string", "enum": ["é", None]}}}
    tools = [{"type": "function", "function": {"name": "f", "parameters": schema, "strict": True}}]
    bare = [{"type": "function", "function": {"name": "f", "parameters": None}}]
    form = {"type": "json_schema", "json_schema": {"name": "n", "schema": schema}}
    assert post(door, {"messages": HI, "tools": tools, "response_format": form})[0] == 200
    assert post(door, {"messages": HI, "tools": bare, "response_format": {"type": "text"}})[0] == 200
    assert plain.seen[0]["tools"] == tools
    assert plain.seen[0]["response_format"] == form
    assert plain.seen[1]["tools"] == [{"type": "function", "function": {"name": "f"}}]
    huge = {"type": "json_schema", "json_schema": {"a": [{}] * 100_000}}
    assert post(door, {"messages": HI, "response_format": huge})[0] == 413
    assert post(door, {"messages": HI * 10_000})[0] == 400


def test_replies_may_be_sent_back_as_they_came(door: Door, plain: Plain) -> None:
    call = {"id": "c", "type": "function", "function": {"name": "bash", "arguments": "{}"}, "index": 0}
    said = {"role": "assistant", "content": None, "tool_calls": [call], "function_call": None, "reasoning_content": "x"}
    result = {"role": "tool", "tool_call_id": "c", "content": "done"}
    assert post(door, {"messages": [*HI, said, result]})[0] == 200
    assert plain.seen[0]["messages"][1] == {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"id": "c", "type": "function", "function": {"name": "bash", "arguments": "{}"}}],
    }


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", b"404"),
        (b"GET /v1/../etc/passwd HTTP/1.1\r\n\r\n", b"404"),
        (b"POST /v1/responses HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}", b"404"),
        (b"POST /v1/embeddings HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}", b"404"),
        (b"DELETE /v1/models HTTP/1.1\r\n\r\n", b"501"),
        (b"nonsense\r\n\r\n", b"400"),
        (b"\0\1\2\3\r\n\r\n", b"400"),
        (b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\n\r\n", b"414"),
        (b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 200 + b"\r\n", b"431"),
        (b"POST /v1/chat/completions HTTP/1.1\r\n\r\n", b"411"),
        (b"POST /v1/chat/completions HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", b"411"),
        (b"POST /v1/chat/completions HTTP/1.1\r\nContent-Length: -1\r\n\r\n", b"400"),
        (b"POST /v1/chat/completions HTTP/1.1\r\nContent-Length: 1e3\r\n\r\n", b"400"),
        (b"POST /v1/chat/completions HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n", b"413"),
    ],
    ids=lambda value: repr(value[:30]),
)
def test_other_http_gets_a_plain_error(door: Door, data: bytes, status: bytes) -> None:
    said = raw(door, data.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n", 1) if b" HTTP" in data else data)
    assert status in said.split(b"\r\n")[0] or (status == b"400" and b"bad_http" in said)
    assert b'"error"' in said
    assert post(door, {"messages": HI})[0] == 200


def test_a_client_that_sends_slowly_is_cut_off(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_module, "SECONDS_TO_SEND", 0.3)
    head = b"POST /v1/chat/completions HTTP/1.1\r\nContent-Length: 100\r\n"
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(60)
        connection.connect(str(door.folder / "model.sock"))
        with pytest.raises(OSError):  # noqa: PT012  # at some byte it has had enough
            for byte in head * 1000:
                connection.sendall(bytes([byte]))
                time.sleep(0.02)
    assert post(door, {"messages": HI})[0] == 200


def test_idle_and_broken_connections_do_no_harm(door: Door) -> None:
    idle = [socket.socket(socket.AF_UNIX) for _ in range(server_module.MAX_CONNECTIONS - 1)]
    try:
        for number, connection in enumerate(idle):
            connection.connect(str(door.folder / "model.sock"))
            if number % 2:
                connection.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nContent-Length: 10\r\n\r\n{")
        deadline = time.monotonic() + 60
        while True:
            try:
                assert post(door, {"messages": HI})[0] == 200
                break
            except (OSError, http.client.HTTPException):
                assert time.monotonic() < deadline
    finally:
        for connection in idle:
            connection.close()


def test_too_many_connections_are_turned_away_and_other_doors_stay_open(plain: Plain, tmp_path: Path) -> None:
    with (
        Gateway({"solve": (ModelConfig(name="plain"), plain)}, Spending(CapsConfig())) as gateway,
        gateway.open(1, AGENT, "solve", tmp_path / "1") as one,
        gateway.open(2, AGENT, "solve", tmp_path / "2") as other,
    ):
        flood = [socket.socket(socket.AF_UNIX) for _ in range(server_module.MAX_CONNECTIONS * 2)]
        try:
            for connection in flood:
                connection.connect(str(one.folder / "model.sock"))
            flood[-1].settimeout(60)
            assert flood[-1].recv(1) == b""
            assert post(other, {"messages": HI})[0] == 200
        finally:
            for connection in flood:
                connection.close()


def test_a_door_holds_no_more_than_so_many_bytes(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_module, "MAX_BODIES", 100)
    status, answer = post(door, {"messages": [{"role": "user", "content": "x" * 200}]})
    assert (status, answer["error"]["code"]) == (429, "too_much_at_once")
    monkeypatch.undo()
    status, answer = post(door, b"x" * (server_module.MAX_BODY + 1_000_000))
    assert (status, answer["error"]["code"]) == (413, "too_large"), "it is told, though it was still sending"
    assert post(door, {"messages": HI})[0] == 200


# ---------------------------------------------------------------- caps


def test_64_calls_at_once_never_pass_a_cap(lab: Lab) -> None:
    lab.provider.usual = "slow"
    request = {"messages": HI, "max_tokens": 300}
    cap = 0.02
    door = lab.door(usd_per_run=cap)
    with ThreadPoolExecutor(64) as pool:
        statuses = [status for status, _ in pool.map(lambda _: post(door, request), range(64))]
    served = statuses.count(200)
    worst = (most_tokens({**request, "model": door.model}) * USD_IN + 300 * USD_OUT) / 1e6
    assert set(statuses) <= {200, 402, 503}
    assert served == len(lab.provider.seen)
    assert door.usage.usd == pytest.approx(served * COST)
    assert door.usage.usd <= cap
    # Calls wait for each other, so that what is held too much of is not lost.
    assert served == 64 or door.usage.usd > cap - 1.1 * worst


def test_the_cap_of_a_job_is_the_agents_limit(lab: Lab) -> None:
    one = (OVERHEAD_TOKENS * USD_IN + 300 * USD_OUT) / 1e6 * 1.2
    door = lab.door(usd_per_job=one + COST / 2)
    assert post(door, {"messages": HI, "max_tokens": 300})[0] == 200
    while (answer := post(door, {"messages": HI, "max_tokens": 300}))[0] == 200:
        pass
    status, body = answer
    assert status == 402
    assert body["error"]["code"] == "insufficient_quota"
    assert "usd_per_job" in body["error"]["message"]
    assert door.fault is None
    assert not lab.spending.exhausted


def test_the_cap_of_the_run_is_nobodys_score(lab: Lab) -> None:
    door = lab.door(usd_per_run=0.001)
    status, _ = post(door, {"messages": HI})
    assert status == 402
    assert door.fault is not None
    assert door.fault[0] == "interrupted"
    assert "usd_per_run" in door.fault[1]
    assert lab.spending.exhausted
    assert not lab.provider.seen
    assert post(door, {"messages": HI, "max_tokens": 1})[0] == 503


def test_a_reply_is_cut_short_to_fit_a_job(lab: Lab) -> None:
    door = lab.door(usd_per_job=0.004)
    assert post(door, {"messages": HI})[0] == 200
    assert 256 <= lab.provider.seen[0]["max_tokens"] < 1000


def test_the_worst_case_is_one(lab: Lab) -> None:
    request = {"messages": [{"role": "user", "content": "日本語 \0 " * 50}], "model": "m"}
    assert most_tokens(request) >= len(request["messages"][0]["content"].encode()) + OVERHEAD_TOKENS


# ---------------------------------------------------------------- providers that misbehave


@pytest.mark.parametrize("answer", ["wait", "500", "503"])
def test_a_busy_provider_is_asked_again(lab: Lab, answer: str) -> None:
    lab.provider.script = [answer, answer]
    door = lab.door()
    assert post(door, {"messages": HI})[0] == 200
    assert len(lab.provider.seen) == 3
    assert door.usage == Usage(COST, 1, 100, 10), "a call that was turned away costs nothing"
    assert spent(lab.folder) == door.usage
    assert lab.spending.usd == pytest.approx(COST)


@pytest.mark.parametrize("answer", ["garbage", "drop", "half", "no choices", "504"])
def test_a_lost_answer_is_booked_in_full(lab: Lab, answer: str) -> None:
    lab.provider.script = [answer]
    door = lab.door()
    assert post(door, {"messages": HI, "max_tokens": 300})[0] == 200
    assert door.usage.calls == 2
    assert door.usage.usd > COST + 300 * USD_OUT / 1e6
    assert spent(lab.folder) == door.usage
    assert lab.spending.usd == pytest.approx(door.usage.usd)


@pytest.mark.parametrize(
    ("answer", "settings"),
    [
        ("401", {}),
        ("404", {}),
        ("no credit", {}),
        ("500", {"seconds_per_call": 0.5}),
        ("wait long", {}),
        ("hang", {"seconds_per_call": 0.5}),
        ("drip", {"seconds_per_call": 0.5}),
    ],
)
def test_a_dead_provider_marks_the_door_and_is_left_alone(lab: Lab, answer: str, settings: dict[str, Any]) -> None:
    lab.provider.usual = answer
    door = lab.door(settings)
    status, body = post(door, {"messages": HI})
    assert status == 503
    assert body["error"]["code"] == "provider_unavailable"
    assert door.fault is not None
    assert door.fault[0] == "provider"
    asked = len(lab.provider.seen)
    assert post(door, {"messages": HI})[0] == 503
    assert len(lab.provider.seen) == asked
    assert KEY not in door.fault[1]


def test_what_the_provider_refuses_the_agent_is_told(lab: Lab) -> None:
    lab.provider.script = ["too long"]
    door = lab.door()
    status, body = post(door, {"messages": HI})
    assert status == 400
    assert "maximum context length" in body["error"]["message"]
    assert door.fault is None
    assert door.usage == Usage()
    assert post(door, {"messages": HI})[0] == 200


@pytest.mark.parametrize("answer", ["no usage", "negative usage"])
def test_usage_that_cannot_be_is_booked_as_reserved(lab: Lab, answer: str) -> None:
    lab.provider.usual = answer
    door = lab.door()
    assert post(door, {"messages": HI, "max_tokens": 300})[0] == 200
    assert door.usage.usd > (OVERHEAD_TOKENS * USD_IN + 300 * USD_OUT) / 1e6
    assert "no possible usage" in (lab.folder / "calls.jsonl").read_text()


def test_usage_beyond_the_reservation_is_booked_as_it_is_and_flagged(lab: Lab) -> None:
    lab.provider.usual = "huge usage"
    door = lab.door()
    assert post(door, {"messages": HI})[0] == 200
    assert door.usage.usd == pytest.approx(10.00004)
    assert spent(lab.folder) == door.usage
    assert "more than was asked for" in (lab.folder / "calls.jsonl").read_text()
    assert post(door, {"messages": HI})[0] == 402


def test_the_key_is_nowhere(lab: Lab) -> None:
    lab.provider.script = ["leak", "500", "400", "leak", "401"]
    door = lab.door()
    said = [post(door, {"messages": [{"role": "user", "content": f"is it {KEY}?"}]}) for _ in range(4)]
    assert [status for status, _ in said] == [200, 400, 200, 503]
    assert lab.provider.keys == [f"Bearer {KEY}"] * 5
    assert KEY not in repr(said)
    assert KEY not in repr(door.fault)
    assert KEY not in door.text()
    for file in lab.folder.rglob("*"):
        assert KEY.encode() not in file.read_bytes()


def test_a_model_that_breaks_is_no_verdict(tmp_path: Path) -> None:
    def broken(request: Chat) -> Chat:
        raise KeyError("choices")

    models = {"solve": (ModelConfig(name="plain"), Plain(broken, Price(1e-6, 1e-6)))}
    with (
        Gateway(models, Spending(CapsConfig())) as gateway,  # type: ignore[arg-type]
        gateway.open(1, AGENT, "solve", tmp_path / "job") as door,
    ):
        assert post(door, {"messages": HI})[0] == 503
        assert door.fault is not None
        assert door.fault[0] == "infra"
        assert door.usage.calls == 1
        assert spent(tmp_path / "job") == door.usage


@contextmanager
def full_disk() -> Iterator[None]:
    """No file can grow."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    usual = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, usual)


def test_without_a_record_nothing_is_sent(tmp_path: Path) -> None:
    model = Plain(price=Price(1e-6, 1e-6))
    spending = Spending(CapsConfig())
    with (
        Gateway({"solve": (ModelConfig(name="plain"), model)}, spending) as gateway,
        gateway.open(1, AGENT, "solve", tmp_path / "job") as door,
    ):
        with full_disk():
            assert post(door, {"messages": HI})[0] == 503
        assert door.fault is not None
        assert door.fault[0] == "infra"
        assert "cannot be written" in door.fault[1]
    assert not model.seen
    assert (spending.usd, spending.reserved) == (0.0, 0.0)


# ---------------------------------------------------------------- the end of a door


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_closed_door_is_gone_and_what_was_under_way_is_booked(lab: Lab) -> None:
    lab.provider.usual = "hang"
    door = lab.door()
    with ThreadPoolExecutor(2) as pool:
        agents = pool.submit(post, door, {"messages": HI, "max_tokens": 300})
        hosts = pool.submit(door.ask, HI, max_tokens=300)
        until(lambda: len(lab.provider.seen) == 2)
        door.close()
        assert not door.folder.exists()
        with pytest.raises((OSError, http.client.HTTPException)):
            agents.result(60)
        with pytest.raises(Refusal, match="closed"):
            hosts.result(60)
    lost = door.usage
    assert lost.calls == 2
    assert lost.usd > 600 * USD_OUT / 1e6
    assert spent(lab.folder) == lost
    lab.provider.release.set()
    with pytest.raises(Refusal, match="closed"):
        door.ask(HI)
    assert door.usage == lost
    assert lab.spending.usd == pytest.approx(lost.usd)
    assert lab.spending.reserved == 0
    assert door.fault is None


def test_a_cancelled_job_is_interrupted(lab: Lab) -> None:
    gateway = lab.gateway()
    one = gateway.open(1, AGENT, "solve", lab.folder / "1")
    other = gateway.open(2, AGENT, "solve", lab.folder / "2")
    gateway.cancel(1)
    assert one.fault == ("interrupted", "the job was cancelled")
    assert not one.folder.exists()
    assert other.ask(HI) == "hello"


def test_a_folder_has_one_door_at_a_time_and_many_after_each_other(lab: Lab) -> None:
    gateway = lab.gateway()
    with gateway.open(1, AGENT, "solve", lab.folder) as door:
        door.ask(HI)
        with pytest.raises(BlockingIOError):
            gateway.open(1, AGENT, "solve", lab.folder)
    with gateway.open(1, AGENT, "solve", lab.folder) as door:
        door.ask(HI)
        assert door.usage.calls == 1
    assert spent(lab.folder).calls == 2


DRIVER = """
import sys, threading
from pathlib import Path
from dgm.config import CapsConfig, ModelConfig
from dgm.gateway import Gateway
from dgm.protocols import Price
from dgm.spending import Spending

class Hanging:
    name = "m"
    calls = 0
    def price(self):
        return Price(1e-6, 4e-6)
    def complete(self, request, seconds):
        Hanging.calls += 1
        if Hanging.calls > 2:
            print("sent", flush=True)
            threading.Event().wait()
        choice = {"index": 0, "message": {"role": "assistant", "content": "fine"}}
        return {"choices": [choice], "usage": {"prompt_tokens": 100, "completion_tokens": 10}}

gateway = Gateway({"solve": (ModelConfig(name="m"), Hanging())}, Spending(CapsConfig()))
door = gateway.open(1, "a", "solve", Path(sys.argv[1]))
for _ in range(3):
    door.ask([{"role": "user", "content": "hi"}], max_tokens=300)
"""


def test_a_call_outlives_the_death_of_the_driver_in_the_account(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", DRIVER, str(tmp_path / "job")], stdout=subprocess.PIPE) as driver:
        assert driver.stdout is not None
        assert driver.stdout.readline() == b"sent\n"
        os.kill(driver.pid, signal.SIGKILL)
    cost = spent(tmp_path / "job")
    assert (cost.calls, cost.tokens_in, cost.tokens_out) == (3, 200, 20)
    assert cost.usd > 2 * COST + (OVERHEAD_TOKENS * USD_IN + 300 * USD_OUT) / 1e6


def test_the_folder_of_a_dead_driver_is_swept_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    short = Path(tempfile.mkdtemp(dir="/tmp"))
    monkeypatch.setenv("TMPDIR", str(short))
    monkeypatch.setattr(tempfile, "tempdir", None)
    with subprocess.Popen([sys.executable, "-c", DRIVER, str(tmp_path / "job")], stdout=subprocess.PIPE) as driver:
        assert driver.stdout is not None
        driver.stdout.readline()
        with Gateway({}, Spending(CapsConfig())):
            (theirs,) = [place for place in short.iterdir() if (place / "1").exists()]
        assert theirs.exists(), "it is in use"
        os.kill(driver.pid, signal.SIGKILL)
    with Gateway({}, Spending(CapsConfig())):
        assert not theirs.exists()
    short.rmdir()


def test_the_smoke_tests_model_passes_like_any_other(tmp_path: Path) -> None:
    model = CannedModel()
    with (
        Gateway({"solve": (ModelConfig(name="canned"), model)}, Spending(CapsConfig())) as gateway,
        gateway.open(1, AGENT, "solve", tmp_path) as door,
    ):
        door.ask(HI)
    assert model.calls == 1
    assert "--- call 1 to canned" in read_transcript(tmp_path)


def test_doors_open_and_close_in_many_threads(plain: Plain, tmp_path: Path) -> None:
    with Gateway({"solve": (ModelConfig(name="plain"), plain)}, Spending(CapsConfig())) as gateway:
        threads = threading.active_count()

        def job(number: int) -> Usage:
            with gateway.open(number, AGENT, "solve", tmp_path / str(number)) as door:
                assert post(door, {"messages": HI})[0] == 200
                return door.usage

        with ThreadPoolExecutor(16) as pool:
            assert list(pool.map(job, range(100))) == [Usage(0.0, 1, 3, 1)] * 100
        until(lambda: threading.active_count() <= threads)
