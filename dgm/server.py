"""A little HTTP/1.1 server on a unix socket: the agents' side of a door.

Invariant: whatever a client sends, or fails to send, costs a connection of its own server at most, bounded in time and
memory; nothing of it reaches another server or stops this one.
"""

import io
import socket
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any, cast

import msgspec

from dgm.wire import Refusal

MAX_BODY = 4_000_000
"""Bytes of one request."""
MAX_BODIES = 16_000_000
"""Bytes of all requests that one server holds at a time."""
MAX_CONNECTIONS = 96
SECONDS_TO_SEND = 30.0
"""A client has this long to send a request once it has begun, and to take the reply."""
SECONDS_TO_LEAVE = 5.0


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
            try:
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()
            except RuntimeError:  # no more threads: this client is turned away, the door stays open
                with self._lock:
                    self._open.discard(connection)
                connection.close()

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

    def finish(self) -> None:
        """Close, but not in the face of a client that is still sending: it would never read why it was refused."""
        super().finish()
        self.connection.shutdown(socket.SHUT_WR)
        self._timed.until = time.monotonic() + SECONDS_TO_LEAVE
        rest = bytearray(65_536)
        for _ in range(2 * MAX_BODY // len(rest)):
            if not self._timed.readinto(rest):
                break

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
                raise Refusal(429, "too_much_at_once", "too much at once: wait for the replies to earlier requests")
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
