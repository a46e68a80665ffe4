"""The way to the model: chat completions over a unix socket, and the tool calls in a reply, in whatever form."""

import http.client
import json
import os
import re
import socket
import time

TRIES = 4  # attempts to get any answer at all
KEYS = ("name", "arguments")

FENCED = re.compile(r"([^\n]*)\n+```([^\n`]*)\n(.*?)^```[ \t]*$", re.MULTILINE | re.DOTALL)
PATH_ABOVE = re.compile(r"[#*`\s]*(?:[Ff]ile:)?[*`\s]*([\w./-]+\.\w+)[*`:\s]*$")
PATH_BESIDE = re.compile(r"(?:^|[\s:])([\w./-]+\.\w+)\s*$")


class Refused(Exception):
    """The gateway answered, with an error: money, calls or patience are used up, or it does not like the request."""


class Unreachable(Exception):
    """No answer."""


class Door(http.client.HTTPConnection):
    """HTTP over the unix socket that leads to the model."""

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(os.environ["DGM_SOCKET"])


def ask(messages, offered, deadline):
    """The model's next message, reduced to what may be sent back. Raises Refused, Unreachable."""
    request = {"model": os.environ.get("DGM_MODEL", ""), "messages": messages, "tools": offered}
    body = json.dumps(request).encode("utf-8")
    error = None
    for attempt in range(TRIES):
        try:
            status, answer = post(body, max(1.0, deadline - time.monotonic()))
        except (OSError, http.client.HTTPException) as problem:
            error = problem
            time.sleep(attempt)
            continue
        if status != 200:
            raise Refused(f"{status} {answer[:500].decode('utf-8', 'replace')}")
        return message_in(answer)
    raise Unreachable(error)


def post(body, seconds):
    door = Door("localhost", timeout=seconds)
    try:
        door.request("POST", "/v1/chat/completions", body, {"Content-Type": "application/json"})
        response = door.getresponse()
        return response.status, response.read()
    finally:
        door.close()


def message_in(answer):
    """The assistant's message in the body of a response."""
    try:
        message = json.loads(answer)["choices"][0]["message"]
        content, calls = message.get("content"), message.get("tool_calls") or []
        calls = [
            {"id": str(call["id"]), "type": "function", "function": {key: str(call["function"][key]) for key in KEYS}}
            for call in calls
        ]
    except (ValueError, LookupError, TypeError, AttributeError):
        raise Refused("the answer is not a chat completion") from None
    reply = {"role": "assistant", "content": content if isinstance(content, str) else ""}
    if calls:
        reply["tool_calls"] = calls
    return reply


def calls_in(message):
    """The tool calls of a reply: a list of id (None for text form), name, arguments (None if they make no sense)."""
    found = []
    for call in message.get("tool_calls", []):
        function = call["function"]
        arguments = parsed(function["arguments"])
        if arguments is None:
            function["arguments"] = "{}"  # some providers refuse a history with broken arguments
        found.append({"id": call["id"], "name": function["name"], "arguments": arguments})
    return found or text_calls(message["content"])


def parsed(text):
    try:
        return json.loads(text, strict=False)
    except ValueError:
        return None


def text_calls(text):
    """Calls that a model wrote as text: fenced JSON blocks, or whole files, each below a line with its path."""
    found = []
    for before, info, body in FENCED.findall("\n" + text):
        data = parsed(body)
        if isinstance(data, dict) and "name" in data:
            found.append({"id": None, "name": str(data["name"]), "arguments": data.get("arguments")})
            continue
        path = PATH_ABOVE.match(before) or PATH_BESIDE.search(info)
        if path:
            arguments = {"command": "write", "path": path.group(1), "content": body}
            found.append({"id": None, "name": "edit", "arguments": arguments})
    return found
