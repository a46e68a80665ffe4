"""The wire format at an agent's door: a little HTTP/1.1 server on a unix socket, and the requests that may pass.

Invariant: only what is named here gets through. Whatever a client sends, or fails to send, costs one connection of its
own server at most, bounded in time and memory; nothing of it reaches another server or stops this one.
"""

import io
import socket
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Annotated, Any, Literal, cast

import msgspec
from msgspec import Meta, Struct

MAX_BODY = 4_000_000
"""Bytes of one request."""
MAX_BODIES = 16_000_000
"""Bytes of all requests that one server holds at a time."""
MAX_CONNECTIONS = 96
MAX_DEPTH = 40
SECONDS_TO_SEND = 30.0
"""A client has this long to send a request once it has begun, and to take the reply."""


class Refusal(Exception):
    """A request that is answered with an error in OpenAI's form."""

    def __init__(self, status: int, code: str, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.code = code

    def body(self) -> dict[str, Any]:
        kind = "invalid_request_error" if self.status in (400, 404, 411, 413) else self.code
        return {"error": {"message": str(self), "type": kind, "param": None, "code": self.code}}


# ---------------------------------------------------------------- what may be asked


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
    parameters: dict[str, Any] | None = None
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
    json_schema: dict[str, Any] | None = None


class _Request(_Strict, frozen=True):
    messages: Annotated[list[_Message], Meta(min_length=1)]
    model: str = ""
    tools: list[_Tool] | None = None
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
        plain = cast(dict[str, Any], msgspec.to_builtins(request))
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
    asked = (request.max_tokens, request.max_completion_tokens, max_tokens)
    for name in ("n", "stream", "max_completion_tokens"):
        plain.pop(name, None)
    # The assistant's turns of a tool conversation carry an explicit null in the wire format.
    for message in plain["messages"]:
        message.setdefault("content", None)
    return plain | {"model": model, "max_tokens": min(tokens for tokens in asked if tokens is not None)}


def _shallow(value: object, depth: int) -> bool:
    if isinstance(value, dict):
        return depth > 0 and all(_shallow(item, depth - 1) for item in value.values())
    if isinstance(value, list):
        return depth > 0 and all(_shallow(item, depth - 1) for item in value)
    return True


# ---------------------------------------------------------------- how it is asked


class Server:
    """Serves the socket `path` from the moment it is made until `close`.

    complete: takes the body of a chat request and returns the reply; may raise `Refusal`; called by many threads.
    """

    def __init__(self, path: Path, model: str, complete: Callable[[bytes], Mapping[str, Any]]) -> None:
        self.model = model
        self.complete = complete
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._held = 0
        self._closed = False
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.bind(str(path))
        # An agent in a container is another user than the driver.
        path.chmod(0o666)
        self._socket.listen(MAX_CONNECTIONS)
        self._thread = threading.Thread(target=self._accept, name=f"door {path.parent.name}", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop listening and cut all connections. Threads that wait for a model are left to end by themselves."""
        with self._lock:
            self._closed = True
            cut = list(self._open)
        for connection in (self._socket, *cut):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._socket.close()

    def hold(self, size: int) -> bool:
        """Count `size` bytes of a request (negative: let go of them); False where they are too many."""
        with self._lock:
            if size > 0 and self._held + size > MAX_BODIES:
                return False
            self._held += size
            return True

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                if self._closed:
                    return
                # Out of file descriptors, most likely: the connections at work give some back.
                time.sleep(0.05)
                continue
            with self._lock:
                if self._closed or len(self._open) >= MAX_CONNECTIONS:
                    connection.close()
                    continue
                self._open.add(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            # A client may go away, or be cut off, at any moment.
            with suppress(OSError):
                _Conversation(connection, None, cast(Any, self))
        finally:
            with self._lock:
                self._open.discard(connection)
            connection.close()


class _Timed(io.RawIOBase):
    """Reads a socket up to a point in time, however slowly the bytes come."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self.until: float | None = None

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        left = None if self.until is None else max(0.001, self.until - time.monotonic())
        self.connection.settimeout(left)
        return self.connection.recv_into(buffer)


class _Conversation(BaseHTTPRequestHandler):
    """One connection of a client."""

    protocol_version = "HTTP/1.1"
    server_version = "dgm"
    sys_version = ""
    server: Any

    def setup(self) -> None:
        super().setup()
        self.rfile.close()
        self._timed = _Timed(self.connection)
        self.rfile = io.BufferedReader(self._timed)

    def handle_one_request(self) -> None:
        self._timed.until = None
        if not self.rfile.peek(1):  # type: ignore[attr-defined]
            self.close_connection = True
            return
        self._timed.until = time.monotonic() + SECONDS_TO_SEND
        super().handle_one_request()

    def do_GET(self) -> None:
        if self.path.rstrip("/") == "/v1/models":
            model = {"id": self.server.model, "object": "model", "created": 0, "owned_by": "dgm"}
            self._reply(200, {"object": "list", "data": [model]})
        else:
            self._refuse(Refusal(404, "not_found", "there is only POST /v1/chat/completions and GET /v1/models"))

    def do_POST(self) -> None:
        if self.path != "/v1/chat/completions":
            # What follows is a body that nobody is going to read.
            self.close_connection = True
            return self.do_GET()
        try:
            size = self._size()
            if not self.server.hold(size):
                self.close_connection = True
                raise Refusal(413, "too_large", "too many requests at once: wait for the replies to earlier ones")
            try:
                body = self.rfile.read(size)
                if len(body) < size:
                    self.close_connection = True
                    return
                reply = self.server.complete(body)
            finally:
                self.server.hold(-size)
        except Refusal as refusal:
            return self._refuse(refusal)
        self._reply(200, reply)

    def _size(self) -> int:
        given = self.headers.get("Content-Length", "")
        self.close_connection = True
        if "Transfer-Encoding" in self.headers or not given:
            raise Refusal(411, "length_required", "send the body in one piece, with a Content-Length")
        if not (given.isascii() and given.isdigit()) or len(given) > 12:
            raise Refusal(400, "invalid_request", "Content-Length is not a number")
        if int(given) > MAX_BODY:
            raise Refusal(413, "too_large", f"a request may have at most {MAX_BODY:,} bytes")
        self.close_connection = self.headers.get("Connection", "").lower() == "close"
        return int(given)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        self.close_connection = True
        self._refuse(Refusal(code, "bad_http", message or "this is not HTTP as it is spoken here"))

    def _refuse(self, refusal: Refusal) -> None:
        self._reply(refusal.status, refusal.body())

    def _reply(self, status: int, body: Mapping[str, Any]) -> None:
        data = msgspec.json.encode(body)
        self.connection.settimeout(SECONDS_TO_SEND)
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:
        """What agents do is in the transcript; nothing of it belongs on the driver's terminal."""
