"""The free model behind the smoke test of the agent contract: it asks for one file, then says that it is done.

Invariant: what it answers depends on the requests alone, it costs nothing, and after `replies` answers it refuses.
"""

import json
from collections.abc import Mapping
from threading import Lock
from typing import Any

from dgm.protocols import Chat, ModelFault, Price

SHELLS = ("bash", "shell", "sh", "terminal", "run", "execute", "exec", "command", "cmd")
"""A tool is taken for a shell if a part of its name is one of these."""


class CannedModel:
    """One instance serves one smoke test."""

    name = "canned"

    def __init__(self, path: str = "smoke.txt", content: bytes = b'It\'s alive: "$HOME"\n', replies: int = 100) -> None:
        """`content` is ASCII and ends in a line feed. After `replies` answers every further one is refused."""
        self.calls = 0
        self.expects: Mapping[str, bytes] = {}
        """What should be in the folder to change afterwards; empty as long as nothing was asked for through a tool."""
        self._file = (path, content)
        self._replies = replies
        self._asked = False
        self._lock = Lock()

    def price(self) -> Price:
        return Price(0.0, 0.0)

    def complete(self, request: Chat, seconds: float) -> Chat:
        """Raises `ModelFault` once it has answered often enough."""
        with self._lock:
            if self.calls >= self._replies:
                raise ModelFault("refused", f"the smoke test needs no more than {self._replies} replies")
            self.calls += 1
            message = self._done() if self._asked else self._ask(request)
            self._asked = True
            return completion(self.name, self.calls, message, request)

    def _done(self) -> dict[str, Any]:
        return {"role": "assistant", "content": "Everything is done."}

    def _ask(self, request: Chat) -> dict[str, Any]:
        path, content = self._file
        command = f"cat > {path} <<'END'\n{content.decode('ascii')}END\n"
        offered = shell_tool(request)
        if offered is None:
            block = json.dumps({"name": "bash", "arguments": {"command": command}})
            return {"role": "assistant", "content": f"I write the file.\n```json\n{block}\n```\n"}
        self.expects = {path: content}
        name, argument = offered
        function = {"name": name, "arguments": json.dumps({argument: command})}
        return {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": "canned_1", "type": "function", "function": function}],
        }


def completion(model: str, number: int, message: dict[str, Any], request: Chat) -> dict[str, Any]:
    """`message` as the reply of a free model; about four characters count as a token."""
    asked, limit = json.dumps([request.get("messages"), request.get("tools")], default=str), request.get("max_tokens")
    tokens_in, tokens_out = (max(1, len(text) // 4) for text in (asked, json.dumps(message)))
    if isinstance(limit, int) and limit > 0:
        tokens_out = min(tokens_out, limit)
    finish = "tool_calls" if "tool_calls" in message else "stop"
    return {
        "id": f"{model}-{number}",
        "object": "chat.completion",
        "created": 0,
        "model": model,
        "choices": [{"index": 0, "message": message, "finish_reason": finish}],
        "usage": {
            "prompt_tokens": tokens_in,
            "completion_tokens": tokens_out,
            "total_tokens": tokens_in + tokens_out,
        },
    }


def shell_tool(request: Chat) -> tuple[str, str] | None:
    """Name and argument of the first offered tool that runs a shell command, if there is one.

    The request is untrusted: whatever has not the expected form is passed over.
    """
    tools = request.get("tools")
    for tool in tools if isinstance(tools, list) else []:
        function = tool.get("function") if isinstance(tool, dict) else None
        if not isinstance(function, dict):
            continue
        name, parameters = function.get("name"), function.get("parameters")
        if not isinstance(name, str) or not isinstance(parameters, dict):
            continue
        if not set(name.lower().replace("-", "_").split("_")) & set(SHELLS):
            continue
        required, properties = parameters.get("required"), parameters.get("properties")
        if not isinstance(required, list) or len(required) != 1 or not isinstance(properties, dict):
            continue
        argument = required[0]
        kind = properties.get(argument) if isinstance(argument, str) else None
        if isinstance(kind, dict) and kind.get("type") == "string":
            return name, argument
    return None
