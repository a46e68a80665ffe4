"""For tests: an HTTP server on a unix socket that passes chat completions to a `Model`, without a gateway."""

import json
import os
import shutil
import socketserver
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

from msgspec import Struct

from dgm.files import Files, read_folder, write_folder
from dgm.protocols import Model, ModelFault


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    request_queue_size = 64
    model: Model
    requests: list[dict[str, Any]]


class Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.requests.append(request)
        try:
            status, reply = 200, self.server.model.complete(request, 60.0)
        except ModelFault as fault:
            status, reply = 400, {"error": {"message": str(fault), "type": fault.kind, "code": None}}
        body = json.dumps(reply).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def door(model: Model) -> Iterator[tuple[Path, list[dict[str, Any]]]]:
    """The path of a socket that leads to `model`, and the requests so far."""
    folder = Path(tempfile.mkdtemp(prefix="door-", dir="/tmp"))
    with Server(str(folder / "model.sock"), Handler) as server:
        server.model, server.requests = model, []
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield folder / "model.sock", server.requests
        finally:
            server.shutdown()
            thread.join()
            shutil.rmtree(folder)


class Run(Struct, frozen=True):
    """How an agent's run ended."""

    exit: int
    output: str
    files: Files
    requests: list[dict[str, Any]]


def run_agent(
    agent: Files,
    model: Model,
    statement: str,
    files: Files,
    *,
    seconds: float = 60,
    env: Mapping[str, str] = {},
) -> Run:
    """Start `agent` as its contract says, on `files` and `statement`, with `model` behind its socket."""
    with tempfile.TemporaryDirectory() as home, door(model) as (socket, requests):
        source, work, text = Path(home, "agent"), Path(home, "work"), Path(home, "statement.txt")
        write_folder(agent, source)
        write_folder(files, work)
        text.write_text(statement, encoding="utf-8")
        told = {
            "DGM_STATEMENT": str(text),
            "DGM_WORK": str(work),
            "DGM_AGENT": str(source),
            "DGM_SOCKET": str(socket),
            "DGM_MODEL": model.name,
            "DGM_PYTHON": sys.executable,
            "DGM_SECONDS": str(seconds),
            "HOME": home,
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
        }
        ran = subprocess.run(
            ["sh", str(source / "start")],
            cwd=work,
            env=told | dict(env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=seconds + 30,
            check=False,
        )
        return Run(ran.returncode, ran.stdout.decode(errors="replace"), read_folder(work), requests)
