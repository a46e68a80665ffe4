"""The way to the model: chat completions over a unix socket, and the tool calls in a reply, in whatever form."""

import http.client
import json
import os
import re
import socket
import time

TRIES = 3  # attempts to get any answer at all
KEYS = ("name", "arguments")

PATH_ABOVE = re.compile(r"[#*`\s]*(?:[Ff]ile:)?[*`\s]*([\w./-]+\.\w+)[*`:\s]*$")
PATH_BESIDE = re.compile(r"(?:^|[\s:])([\w./-]+\.\w+)$")


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


def ask(messages, offered, deadline):
    """The model's next message, reduced to what may be sent back. Raises Refused, Unreachable."""
    request = {"model": os.environ.get("DGM_MODEL", ""), "messages": messages, "tools": offered}
    body = json.dumps(request).encode("utf-8")
    error = None
    for attempt in range(TRIES):
        time.sleep(attempt / 2)
        seconds = deadline - time.monotonic()
        if seconds <= 0:
            raise Refused("the time is up")
        try:
            status, answer = post(body, seconds)
        except (OSError, http.client.HTTPException) as problem:
            error = problem
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
    except (ValueError, RecursionError):
        return None


def text_calls(text):
    """Calls that a model wrote as text: fenced JSON blocks, or whole files, each below a line with its path."""
    found, above, info, block = [], "", "", None
    for line in text.split("\n"):
        if block is None and line.startswith("```"):
            info, block = line.strip("` \t"), []
        elif block is None:
            above = line if line.strip() else above
        elif line.rstrip() == "```":
            found += fenced_call(above[:200], info[:200], "\n".join(block) + "\n")
            above, block = "", None
        else:
            block.append(line)
    return found


def fenced_call(above, info, body):
    """The call that a fenced block makes, as a list of one or none."""
    data = parsed(body)
    if isinstance(data, dict) and "name" in data:
        return [{"id": None, "name": str(data["name"]), "arguments": data.get("arguments")}]
    path = PATH_ABOVE.match(above) or PATH_BESIDE.search(info)
    if not path or info in ("diff", "patch"):
        return []
    arguments = {"command": "write", "path": path.group(1), "content": body}
    return [{"id": None, "name": "edit", "arguments": arguments}]
