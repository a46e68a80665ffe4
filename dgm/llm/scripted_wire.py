"""How the simulated model reads a request, and the steps that it may take.

Invariant: a request is untrusted: whatever has not the expected form is left out, and nothing raises.
"""

import json
import re
import shlex
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Literal

from msgspec import Struct

from dgm.llm.canned import shell_tool
from dgm.protocols import Chat

MARK = re.compile(r"^<<< ([^\n]+)\n", re.MULTILINE)


class Call(Struct, frozen=True):
    """A shell command, or a whole file to be written if there is a `path`."""

    text: str
    path: str | None = None

    @property
    def command(self) -> str:
        """The same as a shell command."""
        if self.path is None:
            return self.text
        folder, _, _ = self.path.rpartition("/")
        make = f"mkdir -p {shlex.quote(folder)} && " if folder else ""
        end = f"END_{digest(self.text)[:8]}"
        if self.text and not self.text.endswith("\n"):
            return f"{make}printf '%s' {shlex.quote(self.text)} > {shlex.quote(self.path)}"
        return f"{make}cat > {shlex.quote(self.path)} <<'{end}'\n{self.text}{end}\n"


class Step(Struct, frozen=True):
    """One reply of the model: what it says and what it does. Without calls, it says that it is done."""

    say: str
    calls: tuple[Call, ...] = ()


class Turn(Struct, frozen=True):
    """One message of the conversation; `text` holds the arguments of its tool calls too."""

    own: bool
    role: Literal["system", "user", "tool", "assistant"]
    text: str


class Talk(Struct, frozen=True):
    """A request, reduced to what the model goes by."""

    turns: tuple[Turn, ...]
    tools: bool
    shell: tuple[str, str]
    can_write: bool

    @property
    def prompt(self) -> str:
        """All that was said before the model's first reply."""
        first = next((i for i, turn in enumerate(self.turns) if turn.own), len(self.turns))
        return "\n".join(turn.text for turn in self.turns[:first])

    @property
    def told(self) -> str:
        """All that was said to the model."""
        return "\n".join(turn.text for turn in self.turns if not turn.own)

    @property
    def said(self) -> tuple[str, ...]:
        """The model's own replies, oldest first."""
        return tuple(turn.text for turn in self.turns if turn.own)

    @property
    def news(self) -> tuple[Turn, ...]:
        """What was said since the model's last reply; all of it if there was none."""
        last = max((i for i, turn in enumerate(self.turns) if turn.own), default=-1)
        return self.turns[last + 1 :]


def read_talk(request: Chat) -> Talk:
    """Whatever can be understood of `request`."""
    messages, tools = request.get("messages"), request.get("tools")
    turns = [read_turn(message) for message in listed(messages) if isinstance(message, Mapping)]
    offered = bool(listed(tools))
    shell = shell_tool(request)
    return Talk(
        turns=tuple(turns),
        tools=offered,
        shell=shell or ("bash", "command"),
        can_write=offered and writes(tools),
    )


def listed(value: object) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else []


def read_turn(message: Mapping[str, Any]) -> Turn:
    role = message.get("role")
    known: Literal["system", "user", "tool", "assistant"] = (
        role if role in ("system", "user", "tool", "assistant") else "user"
    )
    texts = [content_text(message.get("content"))]
    texts += [json.dumps(call, default=str) for call in listed(message.get("tool_calls"))]
    return Turn(known == "assistant", known, "\n".join(text for text in texts if text))


def content_text(content: object) -> str:
    if isinstance(content, str):
        return content
    return "\n".join(str(part["text"]) for part in listed(content) if isinstance(part, Mapping) and "text" in part)


def writes(tools: Any) -> bool:
    """Whether an `edit` tool is offered that can write a whole file."""
    for tool in tools:
        try:
            function = tool["function"]
            if function["name"] == "edit" and {"command", "path", "content"} <= set(
                function["parameters"]["properties"]
            ):
                return "write" in json.dumps(function)
        except (KeyError, TypeError):
            continue
    return False


def shown(text: str) -> dict[str, str]:
    """The texts between the marks that `showing` prints, by label; of marks without an end, only the first 1,000."""
    found: dict[str, str] = {}
    text += "\n"
    place = missed = 0
    while missed < 1_000 and (mark := MARK.search(text, place)):
        end = text.find(f">>> {mark[1]}\n", mark.end())
        if end < 0:
            place, missed = mark.end(), missed + 1
        else:
            found[mark[1]] = text[mark.end() : end]
            place = end
    return found


def showing(label: str, command: str) -> str:
    """A shell command that prints what `command` prints, between marks that `shown` finds again."""
    return f"echo {shlex.quote('<<< ' + label)}; {command}; echo {shlex.quote('>>> ' + label)}"


def digest(*parts: object) -> str:
    return sha256("\0".join(map(str, parts)).encode(errors="replace")).hexdigest()


def chance(*parts: object) -> float:
    """A number from 0 to 1, evenly spread, that depends on `parts` alone."""
    return int(digest(*parts)[:12], 16) / 16**12
