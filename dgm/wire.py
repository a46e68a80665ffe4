"""Requests and errors in OpenAI's wire format, as far as agents may use it.

Invariant: what `parse` returns holds only what is named here, within bounds; a parameter that nobody thought of, a tool
that the provider would run, an address that it would fetch are refused.
"""

from typing import Annotated, Any, Literal, cast

import msgspec
from msgspec import Meta, Struct

MAX_MESSAGES = 5_000
MAX_SCHEMAS = 200_000
"""Bytes of all JSON schemas in a request: what is free in form takes many times its size in memory."""
MAX_DEPTH = 40
NULL = msgspec.Raw(b"null")


class Refusal(Exception):
    """A request that is answered with an error in OpenAI's form."""

    def __init__(self, status: int, code: str, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.code = code

    def body(self) -> dict[str, Any]:
        kind = "invalid_request_error" if self.status in (400, 404, 411, 413) else self.code
        return {"error": {"message": str(self), "type": kind, "param": None, "code": self.code}}


class _Strict(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    pass


class _Lenient(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Agents send replies back as they got them, so unknown fields are dropped here, not refused."""


class _Text(_Lenient, frozen=True):
    """The only kind of content: images and files by address would make the provider fetch them."""

    type: Literal["text"]
    text: str


class _Called(_Lenient, frozen=True):
    name: str
    arguments: str


class _ToolCall(_Lenient, frozen=True, omit_defaults=False):
    id: str
    function: _Called
    type: Literal["function"] = "function"


class _Message(_Lenient, frozen=True):
    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: str | list[_Text] | None = None
    name: str | None = None
    tool_calls: list[_ToolCall] | None = None
    tool_call_id: str | None = None


class _Function(_Strict, frozen=True):
    name: Annotated[str, Meta(pattern=r"\A[A-Za-z0-9_-]{1,64}\Z")]
    description: str | None = None
    parameters: msgspec.Raw = NULL
    strict: bool | None = None


class _Tool(_Strict, frozen=True):
    type: Literal["function"]
    """Tools that the provider itself would run, such as a web search, are of other types."""
    function: _Function


class _Name(_Strict, frozen=True):
    name: str


class _Choice(_Strict, frozen=True):
    type: Literal["function"]
    function: _Name


class _Format(_Strict, frozen=True):
    type: Literal["text", "json_object", "json_schema"]
    json_schema: msgspec.Raw = NULL


class _Request(_Strict, frozen=True):
    messages: Annotated[list[_Message], Meta(min_length=1, max_length=MAX_MESSAGES)]
    model: str = ""
    tools: Annotated[list[_Tool], Meta(max_length=128)] | None = None
    tool_choice: Literal["none", "auto", "required"] | _Choice | None = None
    temperature: Annotated[float, Meta(ge=0, le=2)] | None = None
    top_p: Annotated[float, Meta(ge=0, le=1)] | None = None
    stop: str | Annotated[list[str], Meta(max_length=4)] | None = None
    seed: Annotated[int, Meta(ge=-(2**62), le=2**62)] | None = None
    max_tokens: Annotated[int, Meta(ge=1)] | None = None
    max_completion_tokens: Annotated[int, Meta(ge=1)] | None = None
    response_format: _Format | None = None
    n: Literal[1] | None = None
    stream: bool | None = None


def parse(body: bytes, model: str, max_tokens: int) -> dict[str, Any]:
    """The request in `body`, reduced to what may be sent on; raises `Refusal` with what is wrong with it.

    model: the only name that may be asked for. max_tokens: more than this is silently reduced to it.
    """
    try:
        request = msgspec.json.decode(body, type=_Request)
        if sum(map(len, _schemas(request))) > MAX_SCHEMAS:
            raise Refusal(413, "too_large", f"the schemas of a request may have at most {MAX_SCHEMAS:,} bytes")
        plain = cast(dict[str, Any], msgspec.json.decode(msgspec.json.encode(request)))
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Refusal(400, "invalid_request", f"the request is not acceptable: {error}") from error
    except RecursionError:
        raise Refusal(400, "invalid_request", "the request is nested too deeply") from None
    if request.model not in ("", model):
        raise Refusal(404, "model_not_found", f"the only model here is {model!r}")
    if request.stream:
        raise Refusal(400, "unsupported", "streaming is not supported: leave out `stream`")
    if not _shallow(plain, MAX_DEPTH):
        raise Refusal(400, "invalid_request", "the request is nested too deeply")
    _tidy(plain)
    asked = (request.max_tokens, request.max_completion_tokens, max_tokens)
    return plain | {"model": model, "max_tokens": min(tokens for tokens in asked if tokens is not None)}


def _schemas(request: _Request) -> list[bytes]:
    found = [tool.function.parameters for tool in request.tools or ()]
    if request.response_format is not None:
        found.append(request.response_format.json_schema)
    return [bytes(schema) for schema in found]


def _tidy(plain: dict[str, Any]) -> None:
    """Drop what has been dealt with or says nothing. Raises `Refusal` for schemas that are none."""
    for name in ("n", "stream", "max_completion_tokens"):
        plain.pop(name, None)
    holders = [(tool["function"], "parameters") for tool in plain.get("tools", ())]
    holders.append((plain.get("response_format", {}), "json_schema"))
    for holder, name in holders:
        if not isinstance(holder.get(name, {}), dict | None):
            raise Refusal(400, "invalid_request", f"the request is not acceptable: `{name}` is not an object")
        if holder.get(name, {}) is None:
            del holder[name]
    # The assistant's turns of a tool conversation carry an explicit null in the wire format.
    for message in plain["messages"]:
        message.setdefault("content", None)


def _shallow(value: object, depth: int) -> bool:
    if isinstance(value, dict):
        return depth > 0 and all(_shallow(item, depth - 1) for item in value.values())
    if isinstance(value, list):
        return depth > 0 and all(_shallow(item, depth - 1) for item in value)
    return True
