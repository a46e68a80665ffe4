import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from dgm.config import ConfigError, ModelConfig
from dgm.llm.provider import ProviderModel
from dgm.protocols import ModelFault, Price
from tests.provider_server import KEY, Provider, provider

# litellm's own: an event loop that its log worker leaves open.
pytestmark = [pytest.mark.filterwarnings("ignore:unclosed event loop:ResourceWarning")]

ENV = {"TEST_KEY": KEY}
REQUEST = {"model": "openai/some-model", "messages": [{"role": "user", "content": "hi"}], "max_tokens": 50}


@pytest.fixture
def server(litellm: Any) -> Iterator[Provider]:
    with provider() as running:
        yield running


def model(server: Provider | None, **settings: Any) -> ProviderModel:
    base = server.url if server else "http://127.0.0.1:1/v1"
    chosen = {"name": "openai/some-model", "api_base": base, "api_key_env": "TEST_KEY", **settings}
    return ProviderModel(ModelConfig(**chosen), ENV)


def test_a_reply_is_plain_wire_format(server: Provider) -> None:
    reply = model(server).complete(REQUEST, 20.0)
    assert reply["choices"] == [
        {"index": 0, "message": {"role": "assistant", "content": "hello"}, "finish_reason": "stop"}
    ]
    assert reply["usage"] == {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110}
    assert server.seen == [{"model": "some-model", "messages": [{"role": "user", "content": "hi"}], "max_tokens": 50}]
    assert server.keys == [f"Bearer {KEY}"]


def test_tools_pass_both_ways(server: Provider) -> None:
    server.usual = "tool"
    tool = {"type": "function", "function": {"name": "bash", "parameters": {"type": "object", "properties": {}}}}
    reply = model(server).complete({**REQUEST, "tools": [tool], "tool_choice": "auto", "seed": 3}, 20.0)
    (call,) = reply["choices"][0]["message"]["tool_calls"]
    assert call == {"id": "c1", "type": "function", "function": {"name": "bash", "arguments": '{"command": "ls"}'}}
    assert server.seen[0]["tools"] == [tool]
    assert server.seen[0]["tool_choice"] == "auto"
    assert server.seen[0]["seed"] == 3


def test_configured_parameters_win(server: Provider) -> None:
    model(server, extra={"temperature": 0.25}).complete({**REQUEST, "temperature": 1.0}, 20.0)
    assert server.seen[0]["temperature"] == 0.25


@pytest.mark.parametrize("name", ["max_tokens", "api_key", "stream", "n"])
def test_parameters_on_which_caps_rest_cannot_be_configured(name: str) -> None:
    with pytest.raises(ConfigError, match=name):
        ProviderModel(ModelConfig(name="openai/m", extra={name: 1}), {})


@pytest.mark.parametrize(
    ("answer", "kind", "billed"),
    [
        ("wait", "busy", False),
        ("500", "busy", False),
        ("502", "busy", True),
        ("503", "busy", False),
        ("504", "busy", True),
        ("529", "busy", False),
        ("408", "busy", True),
        ("garbage", "busy", True),
        ("empty", "busy", True),
        ("no choices", "busy", True),
        ("drop", "busy", True),
        ("half", "busy", True),
        ("400", "refused", False),
        ("413", "refused", False),
        ("422", "refused", False),
        ("too long", "refused", False),
        ("401", "denied", False),
        ("402", "denied", False),
        ("403", "denied", False),
        ("404", "denied", False),
        ("no credit", "denied", False),
        ("low balance", "denied", False),
    ],
)
def test_each_failure_has_its_kind_and_hides_the_key(server: Provider, answer: str, kind: str, billed: bool) -> None:
    server.usual = answer
    with pytest.raises(ModelFault) as caught:
        model(server).complete(REQUEST, 20.0)
    assert (caught.value.kind, caught.value.billed) == (kind, billed)
    assert caught.value.retry_after == (0.2 if answer == "wait" else None)
    assert KEY not in str(caught.value)
    assert len(server.seen) == (2 if answer == "422" else 1), "retries are the gateway's business"


def test_a_server_that_is_not_there_bills_nothing(litellm: Any) -> None:
    with pytest.raises(ModelFault) as caught:
        model(None).complete(REQUEST, 20.0)
    assert (caught.value.kind, caught.value.billed) == ("busy", False)


@pytest.mark.parametrize("answer", ["hang", "drip"])
def test_the_deadline_holds_whatever_the_server_does(server: Provider, answer: str) -> None:
    server.usual = answer
    began = time.monotonic()
    with pytest.raises(ModelFault) as caught:
        model(server).complete(REQUEST, 0.5)
    assert time.monotonic() - began < 20
    assert (caught.value.kind, caught.value.billed) == ("busy", True)


def test_many_threads_share_it(server: Provider) -> None:
    shared, replies = model(server), []
    threads = [threading.Thread(target=lambda: replies.append(shared.complete(REQUEST, 30.0))) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(replies) == 16


def test_prices_come_from_the_configuration_or_from_litellms_own_list(litellm: Any) -> None:
    assert model(None, usd_per_million_in=2.0, usd_per_million_out=8.0).price() == Price(2e-6, 8e-6)
    assert model(None).price() is None
    listed = litellm.model_cost["gpt-4.1-mini"]
    known = ProviderModel(ModelConfig(name="openai/gpt-4.1-mini", usd_per_million_out=0.0), {}).price()
    assert known == Price(listed["input_cost_per_token"], 0.0)


def test_a_longer_prompt_never_costs_more_than_the_price(litellm: Any) -> None:
    listed = litellm.model_cost["gemini/gemini-2.5-pro"]
    assert listed["input_cost_per_token_above_200k_tokens"] > listed["input_cost_per_token"]
    price = ProviderModel(ModelConfig(name="gemini/gemini-2.5-pro"), {}).price()
    assert price == Price(
        listed["input_cost_per_token_above_200k_tokens"], listed["output_cost_per_token_above_200k_tokens"]
    )


FREE = {"usd_per_million_in": 0.0, "usd_per_million_out": 0.0}


def test_a_sound_configuration_checks(litellm: Any) -> None:
    model(None, **FREE).check()
    model(None, api_key_env="", **FREE).check()


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"api_key_env": "NO_SUCH_KEY", **FREE}, "NO_SUCH_KEY"),
        ({"api_key_env": "", "api_base": "", "name": "openai/gpt-4.1-mini"}, "OPENAI_API_KEY"),
        ({}, "usd_per_million_in"),
        ({"name": "whatever", "api_base": "", **FREE}, "provider"),
    ],
)
def test_what_is_missing_is_said(
    litellm: Any, monkeypatch: pytest.MonkeyPatch, settings: dict[str, Any], complaint: str
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(ConfigError, match=complaint):
        model(None, **settings).check()


def test_without_litellm_the_error_says_what_to_install() -> None:
    program = """
import sys
sys.modules["litellm"] = None
from dgm.config import ConfigError, ModelConfig
from dgm.llm.provider import ProviderModel
try:
    ProviderModel(ModelConfig(name="openai/m"), {}).check()
except ConfigError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=os.environ)
    assert "pip install 'dgm[models]'" in done.stdout


def test_the_module_itself_loads_nothing_heavy() -> None:
    program = "import sys, dgm.llm, dgm.llm.provider; print({'litellm', 'openai', 'httpx'} & sys.modules.keys())"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
