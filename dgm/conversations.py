"""What was said to a model in one job, put together from its ledger: conversations, as agents and models held them.

Invariant: each reply of the model is the last word of one request in exactly one conversation; what a ledger lost (a
torn line, a text that was too long) makes its conversations incomplete, and never invents anything.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct, field

from dgm.jobs import Usage
from dgm.ledger import CACHED, MAX_TEXT, raw_lines

UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
OPEN = 64
"""Conversations of one job that may go on at the same time; beyond it, the one that rested longest has ended."""


class Called(Struct, frozen=True):
    name: str
    arguments: str


class ToolCall(Struct, frozen=True):
    function: Called
    id: str = ""
    type: str = "function"


class Part(Struct, frozen=True):
    text: str


class Message(Struct, frozen=True, omit_defaults=True):
    """One message in OpenAI's chat format. `reasoning_content`: what some models say before they answer."""

    role: str
    content: str | list[Part] | None = None
    name: str | None = None
    tool_calls: list[ToolCall] | None = None
    tool_call_id: str | None = None
    reasoning_content: str | None = None

    @property
    def text(self) -> str:
        return "\n".join(part.text for part in self.content) if isinstance(self.content, list) else self.content or ""

    def same(self, other: "Message") -> bool:
        """Whether both say the same; agents send replies back without what is not theirs to know."""
        calls = [[call.function for call in one.tool_calls or ()] for one in (self, other)]
        return self.role == other.role and self.text == other.text and calls[0] == calls[1]

    @property
    def cut(self) -> bool:
        """Whether the ledger has left out the middle of something in it."""
        texts = [self.text, *(call.function.arguments for call in self.tool_calls or ())]
        return any(len(text) > MAX_TEXT for text in texts)

    def plain(self) -> dict[str, Any]:
        """As chat templates take it: content is a text, or null where an assistant only calls tools."""
        calls = {"tool_calls": msgspec.to_builtins(self.tool_calls)} if self.tool_calls else {}
        named = {"name": self.name, "tool_call_id": self.tool_call_id, "reasoning_content": self.reasoning_content}
        content = self.text or (None if calls else "")
        return {"role": self.role, "content": content, **calls, **{key: one for key, one in named.items() if one}}


class Conversation(Struct, eq=False):
    """Requests each of which goes on from the one before, and the replies. `shared`: how many messages at its start
    an earlier conversation of the job has too; `altered`: replies that the agent sent back in other words;
    `complete`: whether the ledger holds all of it; `cached`: whether another run held it, and paid for it."""

    role: str
    model: str
    tools: list[Any]
    messages: list[Message]
    shared: int = 0
    usage: Usage = Usage()
    altered: int = 0
    complete: bool = True
    cached: bool = False
    sent: list[Message] = field(default_factory=list)
    """The last request."""
    answered: bool = False
    """Whether the last request has its reply."""
    waiting: bool = False
    """Whether it may still come."""

    def continued(self, request: list[Message], exactly: bool) -> bool:
        """Whether `request` goes on from here; `exactly`: with the reply as it was."""
        last = len(self.sent)
        if self.waiting or len(request) < last + self.answered or request[last - 1] != self.sent[-1]:
            return False
        if self.answered and request[last].role != "assistant":
            return False
        if self.answered and exactly and not self.messages[-1].same(request[last]):
            return False
        return request[:last] == self.sent

    def ask(self, request: list[Message]) -> None:
        news = request[len(self.sent) :]
        if self.answered and news:
            if not self.messages[-1].same(news[0]):
                self.altered += 1
                self.messages[-1] = news[0]
            news = news[1:]
        self.messages += news
        self.complete = self.complete and not any(message.cut for message in news)
        self.sent, self.answered, self.waiting = request, False, True

    def answer(self, reply: Message) -> None:
        self.messages.append(reply)
        self.complete = self.complete and not reply.cut
        self.answered = True


class _Request(Struct, frozen=True):
    keep: int
    messages: list[Message]
    model: str | None = None
    tools: list[Any] | msgspec.UnsetType | None = msgspec.UNSET


class _Line(Struct, frozen=True):
    call: int
    reserve: float | None = None
    role: str = ""
    request: _Request | None = None
    usd: float = 0.0
    tokens_in: int = field(default=0, name="in")
    tokens_out: int = field(default=0, name="out")
    seconds: float = 0.0
    counted: bool = True
    response: msgspec.Raw = msgspec.Raw(b"null")


class _Choice(Struct, frozen=True):
    message: Message


class _Response(Struct, frozen=True):
    choices: list[_Choice]


_line = msgspec.json.Decoder(_Line).decode
_response = msgspec.json.Decoder(_Response).decode


def conversations(folder: Path) -> Iterator[Conversation]:
    """All conversations of the job with the artifacts in `folder` in which the model said anything, in the order in
    which they ended. Reads the ledger line by line."""
    for place in (folder / CACHED, folder):
        for one in _Listener().listen(raw_lines(place)):
            if any(message.role == "assistant" for message in one.messages[one.shared :]):
                one.cached = place is not folder
                yield one


class _Listener:
    """Follows a ledger; of what it has heard it keeps only the conversations that may still go on."""

    def __init__(self) -> None:
        self._said: list[Message] | None = []
        """The last request; None where it is lost, until one comes that does not rest on it."""
        self._tools: list[Any] = []
        self._open: list[Conversation] = []
        self._asking: dict[int, Conversation] = {}

    def listen(self, lines: Iterable[bytes]) -> Iterator[Conversation]:
        for raw in lines:
            try:
                line = _line(raw)
            except UNREADABLE:  # torn
                self._lose()
                continue
            if line.reserve is not None:
                self._asked(line)
            elif (one := self._asking.pop(line.call, None)) is not None:
                self._answered(one, line)
            while len(self._open) > OPEN:
                yield self._open.pop(0)
        yield from self._open

    def _asked(self, line: _Line) -> None:
        request = line.request
        known = 0 if self._said is None else len(self._said)
        if request is None or not 0 <= request.keep <= known or not request.keep + len(request.messages):
            self._lose()
            return
        self._said = messages = (self._said or [])[: request.keep] + request.messages
        if request.tools is not msgspec.UNSET:
            self._tools = request.tools or []
        one = self._next(messages, line, request.model or "")
        one.ask(messages)
        self._asking[line.call] = one

    def _lose(self) -> None:
        self._said = None
        for one in self._open:
            one.complete = False

    def _next(self, messages: list[Message], line: _Line, model: str) -> Conversation:
        """The conversation that a request goes on with, from now on the latest one."""
        fitting = [one for one in self._open if (one.role, one.model) == (line.role, model)]
        for exactly in (True, False):
            for one in reversed(fitting):
                if one.tools == self._tools and one.continued(messages, exactly):
                    self._open.remove(one)
                    self._open.append(one)
                    return one
        one = Conversation(line.role, model, self._tools, [], self._shared(messages))
        self._open.append(one)
        return one

    def _shared(self, messages: list[Message]) -> int:
        shared = 0
        for one in self._open:
            if one.sent[: shared + 1] == messages[: shared + 1]:  # quicker than to count what is no more than that
                shared = _common(one.sent, messages, shared)
        return shared

    def _answered(self, one: Conversation, line: _Line) -> None:
        one.waiting = False
        if line.counted:
            one.usage += Usage(line.usd, 1, line.tokens_in, line.tokens_out, line.seconds)
        try:
            choices = _response(line.response).choices
        except UNREADABLE:  # a failed call, or a ledger that was full
            choices = []
        if choices:
            one.answer(choices[0].message)


def _common(a: list[Message], b: list[Message], start: int) -> int:
    """How many messages `a` and `b` begin with alike, `start` or more."""
    most = min(len(a), len(b))
    return next((n for n in range(start, most) if a[n] != b[n]), most)
