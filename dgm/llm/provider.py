"""Real models, through litellm used as a library.

Invariant: a call is answered at most once, and ends within its deadline whatever the provider does; every way in which
it can fail comes out as a `ModelFault` without the key in its text.
"""

import logging
import os
import re
import sys
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from typing import Any

from dgm.config import ConfigError, ModelConfig
from dgm.keys import redact, secrets
from dgm.protocols import Chat, ModelFault, Price
from dgm.spending import price_of

RESERVED = frozenset(
    ("model", "messages", "tools", "max_tokens", "max_completion_tokens", "n", "stream", "timeout", "num_retries")
) | {"max_retries", "api_key", "api_base", "base_url"}
"""Parameters that `ModelConfig.extra` may not set: they have settings of their own, or caps rest on them."""

_NO_CREDIT = ("insufficient_quota", "billing_hard_limit_reached", "insufficient_credits")
_NO_CREDIT_TEXT = re.compile(r"credit balance is too low", re.IGNORECASE)
"""How a provider says so that has no code for it, only a status that other wrong requests have too."""
_UNSENT = ("ConnectError", "ConnectTimeout", "ProxyError")
"""Exceptions that say that no connection came about, so that nothing was sent."""
_MAYBE_BILLED = (408, 502, 504, 524)
"""Statuses by which a proxy reports that it lost the answer, which the model may have given."""


class ProviderModel:
    """The model `config.name` of any provider that litellm knows. Fulfils `dgm.protocols.Model`."""

    def __init__(self, config: ModelConfig, env: Mapping[str, str]) -> None:
        """`env` holds the key. Raises `ConfigError` for parameters that may not be set."""
        if clash := sorted(RESERVED & config.extra.keys()):
            raise ConfigError(f"models: `extra` of {config.name!r} may not set {', '.join(clash)}")
        self.name = config.name
        self._config = config
        self._env = env
        self._secrets = secrets(env, [config.api_key_env])

    def price(self) -> Price | None:
        """The configured price, else the highest that litellm's own list names for standard service."""
        wanted = self._config.usd_per_million_in, self._config.usd_per_million_out
        if wanted[0] is not None and wanted[1] is not None:
            return Price(wanted[0] / 1e6, wanted[1] / 1e6)
        listed = self._listed()
        usd = [
            configured / 1e6 if configured is not None else _highest(listed, prefix)
            for configured, prefix in zip(wanted, ("input_cost_per_", "output_cost_per_"), strict=True)
        ]
        return Price(usd[0], usd[1]) if usd[0] is not None and usd[1] is not None else None

    def check(self) -> None:
        """Raise `ConfigError`, saying what to do, unless litellm, provider, key and price are there. Makes no call."""
        litellm = _litellm()
        name, variable = self._config.name, self._config.api_key_env
        try:
            litellm.get_llm_provider(name, api_base=self._config.api_base or None)
        except litellm.BadRequestError as error:
            raise ConfigError(
                f"the model {name!r} names no provider that litellm knows: write <provider>/<model>, such as "
                "openai/gpt-4.1-mini; for a server of your own openai/<model> and api_base"
            ) from error
        if variable and not self._env.get(variable):
            raise ConfigError(f"the key of the model {name!r} is missing: set the environment variable {variable}")
        if not variable and not self._config.api_base:
            missing = litellm.validate_environment(name)["missing_keys"]
            if missing:
                raise ConfigError(
                    f"the model {name!r} needs {' and '.join(missing)}: set the variable, and name it in api_key_env"
                )
        price_of(self._config, self)

    def complete(self, request: Chat, seconds: float) -> Chat:
        """One attempt within `seconds`. Raises `ModelFault`."""
        done: Future[Chat] = Future()
        # litellm's own timeout starts anew with each byte; a thread that hangs in it is left behind.
        threading.Thread(target=self._send, args=(request, seconds, done), daemon=True).start()
        try:
            return done.result(seconds)
        except TimeoutError:
            text = f"no answer from {self.name} within {seconds:.0f} s"
            raise ModelFault("busy", text, billed=True) from None

    def _send(self, request: Chat, seconds: float, done: Future[Chat]) -> None:
        try:
            reply = _litellm().completion(**self._arguments(request, seconds))
            if reply is None:  # what litellm makes of a 422, after a try with fewer parameters
                raise ModelFault("refused", "the provider cannot process this request (422)")
            done.set_result(plain(reply.model_dump(warnings=False)))
        except ConfigError as error:
            done.set_exception(ModelFault("denied", str(error)))
        except Exception as error:  # noqa: BLE001  # litellm raises anything at all, and a thread must not swallow it
            done.set_exception(fault(error, self._secrets))

    def _arguments(self, request: Chat, seconds: float) -> dict[str, Any]:
        key = self._env.get(self._config.api_key_env, "")
        if not key and self._config.api_base:
            key = "none"  # servers of one's own want no key, but the client insists on one
        return {
            **request,
            **self._config.extra,
            "model": self._config.name,
            "api_key": key or None,
            "api_base": self._config.api_base or None,
            "timeout": seconds,
            "num_retries": 0,
            "max_retries": 0,
        }

    def _listed(self) -> Mapping[str, Any]:
        """What litellm's own list says of the model; empty if nothing."""
        litellm = _litellm()
        for name in (self._config.name, self._config.name.partition("/")[2]):
            if entry := litellm.model_cost.get(name):
                found: Mapping[str, Any] = entry
                return found
        return {}


def plain(reply: Mapping[str, Any]) -> Chat:
    """What the wire format has of a reply. Raises `ModelFault` if there is none in it."""
    choices = [_choice(choice) for choice in reply.get("choices") or ()]
    if not choices:
        raise ModelFault("busy", "the provider sent a reply without choices", billed=True)
    usage = reply.get("usage") or {}
    return {
        "id": reply.get("id") or "",
        "object": "chat.completion",
        "created": reply.get("created") or 0,
        "model": reply.get("model") or "",
        "choices": choices[:1],
        "usage": {name: usage.get(name) for name in ("prompt_tokens", "completion_tokens", "total_tokens")},
    }


def _choice(choice: Mapping[str, Any]) -> dict[str, Any]:
    said = choice["message"]
    message: dict[str, Any] = {"role": "assistant", "content": said.get("content")}
    if said.get("reasoning_content"):
        message["reasoning_content"] = said["reasoning_content"]
    if said.get("tool_calls"):
        message["tool_calls"] = [
            {
                "id": call["id"],
                "type": "function",
                "function": {"name": call["function"]["name"], "arguments": call["function"]["arguments"]},
            }
            for call in said["tool_calls"]
        ]
    return {"index": 0, "message": message, "finish_reason": choice.get("finish_reason")}


def fault(error: BaseException, keys: frozenset[str] = frozenset()) -> ModelFault:
    """What an exception of litellm's means, judged by the HTTP answer behind it, where there was one."""
    if isinstance(error, ModelFault):
        return error
    chain = list(_chain(error))
    status = next((code for one in chain if isinstance(code := getattr(one, "status_code", None), int)), 0)
    headers = next((found for one in chain if (found := _headers(one))), {})
    text = redact(f"{type(error).__name__}: {error}", keys)[:2_000]
    broke = any(getattr(one, "code", None) in _NO_CREDIT for one in chain) or _NO_CREDIT_TEXT.search(text)
    if status in (401, 402, 403, 404) or broke:
        return ModelFault("denied", text)
    if 400 <= status < 500 and status not in (408, 409, 425, 429):
        return ModelFault("refused", text)
    unsent = any(type(one).__name__ in _UNSENT for one in chain)
    billed = status in _MAYBE_BILLED if headers else not unsent and status != 429
    return ModelFault("busy", text, _seconds(headers.get("retry-after")), billed)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def _headers(error: BaseException) -> Mapping[str, str]:
    """The headers of the provider's answer; litellm makes up answers too, but those have none."""
    response = getattr(error, "response", None)
    return getattr(error, "litellm_response_headers", None) or getattr(response, "headers", None) or {}


def _seconds(text: str | None) -> float | None:
    try:
        return max(0.0, float(text)) if text else None
    except ValueError:
        return None  # a date, which providers of models do not send


def _highest(listed: Mapping[str, Any], prefix: str) -> float | None:
    """The highest standard price of a token: providers charge more for long prompts, and for reasoning."""
    odd = ("_batches", "_flex", "_priority", "_ultrafast", "_balanced", "_decisions", "_cache_hit")
    usual = (prefix + "token", prefix + "reasoning_token")
    prices = [float(usd) for name, usd in listed.items() if name.startswith(usual) and not name.endswith(odd) and usd]
    return max(prices, default=0.0 if prefix + "token" in listed else None)


def _litellm() -> Any:
    """The library, with everything off that would phone home, retry, print or read files. Raises `ConfigError`."""
    os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
    os.environ["LITELLM_MODE"] = "PRODUCTION"  # else it loads the `.env` of the current folder
    try:
        import litellm
    except ImportError as error:
        raise ConfigError(
            f"real models need litellm ({error}): {sys.executable} -m pip install 'dgm[models]'"
        ) from error
    litellm.telemetry = False
    litellm.suppress_debug_info = True
    litellm.drop_params = True
    litellm.turn_off_message_logging = True
    logging.getLogger("LiteLLM").setLevel(logging.CRITICAL)
    return litellm
