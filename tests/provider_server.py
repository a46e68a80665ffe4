"""For tests: a real local HTTP server that speaks OpenAI's format, and misbehaves as it is told."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

KEY = "sk-very-secret-key-0123456789"


class Provider(ThreadingHTTPServer):
    """`script`: how the next requests are answered, in order; then `usual`. See `Answers`."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answers)
        self.script: list[str] = []
        self.usual = "fine"
        self.seen: list[dict[str, Any]] = []
        self.keys: list[str] = []
        self.slow = 0.05
        self.lock = threading.Lock()
        self.release = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that give up are part of the tests."""


def completion(content: str = "hello", **changes: Any) -> dict[str, Any]:
    choice = {"index": 0, "message": {"role": "assistant", "content": content}, "finish_reason": "stop"}
    usage = {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110}
    return {
        "id": "x",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [choice],
        "usage": usage,
        **changes,
    }


def usage(tokens_in: Any, tokens_out: Any) -> dict[str, Any]:
    return {"usage": {"prompt_tokens": tokens_in, "completion_tokens": tokens_out, "total_tokens": 0}}


class Answers(BaseHTTPRequestHandler):
    server: Provider

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with self.server.lock:
            self.server.seen.append(request)
            self.server.keys.append(self.headers.get("Authorization", ""))
            how = self.server.script.pop(0) if self.server.script else self.server.usual
        if how.isdigit():
            self.send(int(how), {"error": {"message": f"status {how} for {KEY}", "code": "some_code"}})
        else:
            self.how[how](self)

    def send(self, status: int, body: object, **headers: str) -> None:
        data = body.encode() if isinstance(body, str) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(data)

    def slowly(self) -> None:
        time.sleep(self.server.slow)
        self.send(200, completion())

    def hang(self) -> None:
        self.server.release.wait(60)

    def drip(self) -> None:
        """A byte now and then: each one starts a read timeout anew."""
        self.send_response(200)
        self.send_header("Content-Length", "100000")
        self.end_headers()
        while not self.server.release.wait(0.1):
            self.wfile.write(b" ")
            self.wfile.flush()

    def half(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.end_headers()
        self.wfile.write(b'{"id')

    def call_tool(self) -> None:
        call = {"id": "c1", "type": "function", "function": {"name": "bash", "arguments": '{"command": "ls"}'}}
        message = {"role": "assistant", "content": None, "tool_calls": [call]}
        self.send(200, completion(choices=[{"index": 0, "message": message, "finish_reason": "tool_calls"}]))

    how: ClassVar[dict[str, Callable[["Answers"], None]]] = {
        "fine": lambda self: self.send(200, completion()),
        "slow": slowly,
        "hang": hang,
        "drip": drip,
        "half": half,
        "tool": call_tool,
        "leak": lambda self: self.send(200, completion(f"your key is {KEY}")),
        "drop": lambda self: self.connection.close(),
        "wait": lambda self: self.send(429, {"error": {"message": "slow down"}}, Retry_After="0.2"),
        "wait long": lambda self: self.send(429, {"error": {"message": "slow down"}}, Retry_After="3600"),
        "no credit": lambda self: self.send(429, {"error": {"message": "pay", "code": "insufficient_quota"}}),
        "low balance": lambda self: self.send(
            400, {"error": {"type": "invalid_request_error", "message": "Your credit balance is too low. Buy credits."}}
        ),
        "garbage": lambda self: self.send(200, "<html>hello"),
        "empty": lambda self: self.send(200, "{}"),
        "no choices": lambda self: self.send(200, completion(choices=[])),
        "no usage": lambda self: self.send(200, completion(usage=None)),
        "negative usage": lambda self: self.send(200, completion(**usage(-5, -5))),
        "odd usage": lambda self: self.send(200, completion(**usage("many", None))),
        "huge usage": lambda self: self.send(200, completion(**usage(10_000_000, 10))),
        "too long": lambda self: self.send(
            400, {"error": {"message": "maximum context length is 10", "code": "context_length_exceeded"}}
        ),
    }

    def log_message(self, format: str, *args: Any) -> None:
        pass


@contextmanager
def provider() -> Iterator[Provider]:
    with Provider() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.release.set()
            server.shutdown()
            thread.join()
