"""The agent's way to the model: a unix socket whose requests go on to an endpoint that speaks OpenAI's format.

Invariant: the key is added here and taken out of whatever comes back; the address, the model and the number of calls
are those that the user chose, whatever the agent asks for; no redirect is followed.
"""

from __future__ import annotations

import http.server
import json
import math
import os
import socketserver
import threading
import time
import urllib.error
import urllib.request
from email.message import Message
from http.client import HTTPException
from typing import Any, Callable, Dict  # noqa: UP035  # evaluated by Python 3.8

PASSED_ON = frozenset((
    "messages", "tools", "tool_choice", "parallel_tool_calls", "response_format",
    "stop", "seed", "temperature", "top_p", "presence_penalty",
    "frequency_penalty", "reasoning_effort", "max_tokens", "max_completion_tokens",
))  # fmt: skip
"""What an agent may say in a request; all else is dropped."""
NEEDED = frozenset(("messages", "tools"))
LARGEST = 4_000_000
"""Bytes of a request."""
LONGEST = 16_000_000
"""Bytes of an answer."""
ONE_TRY = 300.0
"""Seconds that a call takes, retries included."""
TRIES = 6
FIRST_PAUSE = 1.0
"""Seconds between the first two tries; twice as many each time."""

Chat = Dict[str, Any]  # noqa: UP006


class Refusal(Exception):
    """An answer other than 200."""

    def __init__(self, status: int, text: str, again: float | None = None) -> None:
        """again: seconds after which another try makes sense; None: never."""
        super().__init__(text)
        self.status, self.again = status, again


class Straight(urllib.request.HTTPRedirectHandler):
    """No redirects: the key would go along."""

    def redirect_request(self, *_words: Any) -> None:
        return None


class Endpoint:
    """The model. Thread-safe. `trouble`: what went wrong last and was not made good since, for the user."""

    def __init__(self, base: str, key: str, model: str, calls: int, until: float, say: Callable[[str], object]) -> None:
        """`base`: the address above `/chat/completions`. `until`: on the monotonic clock, no call is made later.
        `say`: tells the user what is waited for."""
        self.model = model
        self.trouble = ""
        self.calls = self.tokens_in = self.tokens_out = 0
        self._url = base.rstrip("/") + "/chat/completions"
        self._key, self._most, self._until, self._say = key, calls, until, say
        self._unwanted: set[str] = set()
        self._lock = threading.Lock()
        self._opener = urllib.request.build_opener(Straight)

    def complete(self, body: bytes) -> bytes:
        """The endpoint's answer to an agent's request. Raises `Refusal`."""
        request = self._request(body)
        with self._lock:
            if self.calls >= self._most:
                raise Refusal(402, f"the limit of {self._most} calls is reached; finish with what you have")
            self.calls += 1
        until = min(self._until, time.monotonic() + ONE_TRY)
        for wait in [FIRST_PAUSE * 2**n for n in range(TRIES - 1)] + [math.inf]:
            try:
                answer = self._once(request, until)
            except Refusal as refusal:
                self.trouble = str(refusal)
                if refusal.again is None or time.monotonic() + max(wait, refusal.again) > until:
                    raise
                self._say(f"{refusal}; another try in {max(wait, refusal.again):.0f} s")
                time.sleep(max(wait, refusal.again))
            else:
                self.trouble = ""
                self._count(answer)
                return answer
        raise AssertionError("the last try raises")

    def _request(self, body: bytes) -> Chat:
        try:
            given = json.loads(body)
        except (ValueError, RecursionError):
            given = None
        if not isinstance(given, dict) or not isinstance(given.get("messages"), list):
            raise Refusal(400, "a request is a JSON object with a list of messages")
        request = {name: value for name, value in given.items() if name in PASSED_ON and value is not None}
        request["model"] = self.model
        for name in self._unwanted:
            self._adapt(request, name)
        return request

    def _once(self, request: Chat, until: float) -> bytes:
        headers = {"Content-Type": "application/json", "User-Agent": "dgm-exported-agent"}
        if self._key:
            headers["Authorization"] = "Bearer " + self._key
        for _change in range(len(PASSED_ON)):
            data = json.dumps(request).encode()
            sent = urllib.request.Request(self._url, data, headers, method="POST")  # noqa: S310  # the user's own
            try:
                with self._opener.open(sent, timeout=max(0.1, until - time.monotonic())) as response:
                    return self._checked(self._read(response, until))
            except urllib.error.HTTPError as error:
                with error:
                    text = self._read(error, until)
                if error.code != 400 or not self._adapted(request, text):
                    raise self._refused(error.code, error.headers, text) from None
            except (OSError, HTTPException, ValueError) as error:
                raise Refusal(503, self._clean(f"the endpoint cannot be reached: {error}"), FIRST_PAUSE) from None
        raise Refusal(400, "the endpoint takes none of the parameters")

    def _read(self, response: Any, until: float) -> bytes:
        """Up to the deadline, however slowly the bytes come. Raises `OSError`."""
        parts, size = [], 0
        while part := response.read1(1 << 16):
            parts.append(part)
            size += len(part)
            if size > LONGEST or time.monotonic() > until:
                raise OSError("its answer is too long or takes too long")
        return b"".join(parts)

    def _checked(self, answer: bytes) -> bytes:
        if self._key:
            answer = answer.replace(self._key.encode(), b"[key]")
        try:
            message = json.loads(answer)["choices"][0]["message"]
            fine = isinstance(message, dict)
        except (ValueError, LookupError, TypeError, RecursionError):
            fine = False
        if not fine:
            raise Refusal(502, "the endpoint's answer is no chat completion", FIRST_PAUSE)
        return answer

    def _refused(self, status: int, headers: Message, text: bytes) -> Refusal:
        said = self._clean(_error(text).get("message") or text[:300].decode(errors="replace"))
        if status in (401, 403):
            return Refusal(status, f"the endpoint does not accept the key ({status}): {said}")
        if 300 <= status < 400:
            return Refusal(502, f"the endpoint answers with a redirect ({status}), which is not followed")
        if status == 429 and _error(text).get("code") == "insufficient_quota":
            return Refusal(402, f"the endpoint wants to be paid: {said}")
        if status in (408, 409, 429) or status >= 500:
            return Refusal(503, f"the endpoint answers {status}: {said}", _seconds(headers.get("Retry-After")))
        return Refusal(status, f"the endpoint answers {status}: {said}")

    def _adapted(self, request: Chat, text: bytes) -> bool:
        """Whether the endpoint named a parameter that it does not take, and `request` does without it now."""
        name = _error(text).get("param")
        if not isinstance(name, str) or name not in request or name in NEEDED or name == "model":
            return False
        self._unwanted.add(name)
        self._adapt(request, name)
        return True

    def _adapt(self, request: Chat, name: str) -> None:
        value = request.pop(name, None)
        if name == "max_tokens" and value is not None and "max_completion_tokens" not in self._unwanted:
            request["max_completion_tokens"] = value

    def _clean(self, text: Any) -> str:
        """One line, without the key."""
        text = str(text).replace(self._key, "[key]") if self._key else str(text)
        return " ".join(text.split())[:500]

    def _count(self, answer: bytes) -> None:
        usage = json.loads(answer).get("usage")
        usage = usage if isinstance(usage, dict) else {}
        with self._lock:
            for name, field in (("tokens_in", "prompt_tokens"), ("tokens_out", "completion_tokens")):
                tokens = usage.get(field)
                setattr(self, name, getattr(self, name) + (tokens if isinstance(tokens, int) and tokens > 0 else 0))


def _error(text: bytes) -> Chat:
    try:
        error = json.loads(text)["error"]
    except (ValueError, LookupError, TypeError, RecursionError):
        return {}
    return error if isinstance(error, dict) else {}


def _seconds(text: str | None) -> float:
    try:
        return max(0.0, float(text or 0))
    except ValueError:  # a date, which nobody sends
        return 0.0


class Proxy(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    """Serves the socket `path` from when it is made until the process ends."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, path: str, endpoint: Endpoint) -> None:
        super().__init__(path, _Conversation)
        os.chmod(path, 0o600)
        self.endpoint = endpoint
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.2}, daemon=True).start()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away or talks nonsense costs its own connection."""


class _Conversation(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 60
    server: Proxy

    def address_string(self) -> str:
        return "agent"

    def do_GET(self) -> None:
        if self.path.rstrip("/") == "/v1/models":
            self._reply(200, {"object": "list", "data": [{"id": self.server.endpoint.model, "object": "model"}]})
        else:
            self._refuse(Refusal(404, "there is only POST /v1/chat/completions"))

    def do_POST(self) -> None:
        given = self.headers.get("Content-Length", "")
        if self.path != "/v1/chat/completions" or not given.isdigit() or int(given) > LARGEST:
            self.close_connection = True
            return self._refuse(Refusal(400, f"there is only POST /v1/chat/completions, up to {LARGEST:,} bytes"))
        try:
            answer = self.server.endpoint.complete(self.rfile.read(int(given)))
        except Refusal as refusal:
            return self._refuse(refusal)
        self._send(200, answer)

    def _refuse(self, refusal: Refusal) -> None:
        kind = "invalid_request_error" if refusal.status < 500 else "unavailable"
        error = {"message": str(refusal), "type": kind, "param": None, "code": str(refusal.status)}
        self._reply(refusal.status, {"error": error})

    def _reply(self, status: int, body: Chat) -> None:
        self._send(status, json.dumps(body).encode())

    def _send(self, status: int, data: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:
        """What the agent prints is enough."""
