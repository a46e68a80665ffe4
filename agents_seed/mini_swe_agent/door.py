"""The way to the model: chat completions over the unix socket of the agent contract. Standard library only."""

import http.client
import json
import os
import re
import socket
import time
from types import SimpleNamespace

TRIES = 3  # attempts to get any answer at all
FENCED = re.compile(r"^```(?:json|tool_call)?[ \t]*\n(.*?)^```", re.MULTILINE | re.DOTALL)


class Refused(Exception):
    """There will be no answer: money, calls or time are used up, or the request is not liked."""


class Unreachable(Exception):
    """No answer."""


class Door(http.client.HTTPConnection):
    """HTTP over the unix socket that leads to the model."""

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(os.environ["DGM_SOCKET"])


def ask(messages, tools, deadline):
    """The model's reply as (message, tool calls, finish reason). Raises Refused, Unreachable."""
    request = {"model": os.environ.get("DGM_MODEL", ""), "messages": messages, "tools": tools}
    body = json.dumps(request).encode("utf-8", "replace")
    error = None
    for attempt in range(TRIES):
        time.sleep(attempt / 2)
        seconds = deadline - time.monotonic()
        if seconds <= 0:
            raise Refused("the time is up")
        door = Door("localhost", timeout=seconds)
        try:
            door.request("POST", "/v1/chat/completions", body, {"Content-Type": "application/json"})
            response = door.getresponse()
            status, answer = response.status, response.read()
        except (OSError, http.client.HTTPException) as problem:
            error = problem
            continue
        finally:
            door.close()
        if status != 200:
            raise Refused(f"{status} {answer[:500].decode('utf-8', 'replace')}")
        return understood(answer)
    raise Unreachable(error)


def understood(answer):
    """The message as it may be sent back, its tool calls, and why the model stopped."""
    try:
        choice = json.loads(answer)["choices"][0]
        given = choice["message"]
        content, calls = given.get("content"), [wired(call) for call in given.get("tool_calls") or []]
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        raise Refused("the answer is not a chat completion") from None
    message = {"role": "assistant", "content": content if isinstance(content, str) else ""}
    if calls:
        message["tool_calls"] = calls
    return message, [called(call) for call in calls] or in_text(message["content"]), choice.get("finish_reason")


def wired(call):
    """A tool call as the wire has it."""
    name, arguments = str(call["function"]["name"]), call["function"].get("arguments")
    text = arguments if isinstance(arguments, str) else json.dumps(arguments)
    return {"id": str(call["id"]), "type": "function", "function": {"name": name, "arguments": text}}


def called(call):
    """A tool call as the package expects it."""
    return SimpleNamespace(id=call["id"], function=SimpleNamespace(**call["function"]))


def in_text(text):
    """Calls that a model without tools wrote as fenced JSON blocks; their `id` is None."""
    found = []
    for block in FENCED.findall(text if text.endswith("\n") else text + "\n"):
        try:
            data = json.loads(block, strict=False)
        except (ValueError, RecursionError):
            continue
        if isinstance(data, dict) and "name" in data:
            arguments = json.dumps(data.get("arguments"))
            found.append(
                SimpleNamespace(id=None, function=SimpleNamespace(name=str(data["name"]), arguments=arguments))
            )
    return found
