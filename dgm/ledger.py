"""The calls of one job, `calls.jsonl` in its folder: at once the transcript for people and the account of its money.

Invariant: the line that reserves a call's worst case is on disk before the call is sent, and the line that settles it
comes after; so at any moment, also after a SIGKILL, `spent` is at least what the provider may bill. Lines are only ever
appended; one that is torn changes nothing.
"""

import fcntl
import os
import threading
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from dgm.durable import sync_folder, write
from dgm.jobs import Usage
from dgm.keys import redact
from dgm.protocols import Chat

NAME = "calls.jsonl"
CACHED = "cached"
"""The folder, below a job's own, with the calls of a result that was paid for by another run: said, but not charged."""
MAX_TEXT = 60_000
"""Characters of one text in the ledger; longer ones lose their middle."""
MAX_FILE = 16_000_000
"""Bytes from which on only the accounts of calls are written, not what was said."""


class Ledger:
    """The writing end. Thread-safe; one at a time for a folder, a second one raises `BlockingIOError`.

    durable: wait for the disk on each line, which only money is worth. secrets: never written. role: what the calls
    are for, noted with each.
    """

    def __init__(self, folder: Path, *, durable: bool, secrets: Collection[str] = (), role: str = "") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self._durable = durable
        self._secrets = secrets
        self._role = {"role": role} if role else {}
        self._lock = threading.Lock()
        self._file = os.open(folder / NAME, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._size = os.fstat(self._file).st_size
            self._calls = max((line["call"] for line in _lines(folder)), default=0)
            if self._size and os.pread(self._file, 1, self._size - 1) != b"\n":
                self._append(b"\n")
            if durable:
                sync_folder(folder)
        except BaseException:
            os.close(self._file)
            raise
        self._said: list[Any] = []
        self._tools: Any = ...  # so that the first request says which it has, though it be none

    def close(self) -> None:
        # A process that is just being forked has a copy of the file, and would hold the lock until it execs.
        fcntl.flock(self._file, fcntl.LOCK_UN)
        os.close(self._file)

    def reserve(self, usd: float, request: Chat) -> int:
        """Note a call that is about to be sent and return its number. Raises `OSError`; then it must not be sent."""
        with self._lock:
            call = self._calls + 1
            self._write({"call": call, "reserve": usd, **self._role}, "request", self._news(request))
            self._calls = call
            return call

    def settle(self, call: int, usage: Usage, seconds: float, response: Chat, flags: Collection[str] = ()) -> None:
        """Note what a call has cost, and the reply. Raises `OSError`; then the reservation stands."""
        account = {"call": call, "usd": usage.usd, "in": usage.tokens_in, "out": usage.tokens_out, "seconds": seconds}
        with self._lock:
            self._write(account | ({"flags": list(flags)} if flags else {}), "response", response)

    def fail(self, call: int, usd: float, counted: bool, seconds: float, error: str) -> None:
        """Note that a call brought no answer. `counted`: whether it may have been processed; if not, it is no call."""
        account = {"call": call, "usd": usd, "counted": counted, "seconds": seconds}
        with self._lock:
            self._write(account, "error", error)

    def _news(self, request: Chat) -> dict[str, Any]:
        """`request` without the messages and tools that it has in common with the one before."""
        messages = list(request["messages"])
        pairs = zip(self._said, messages, strict=False)
        keep = next((i for i, (old, new) in enumerate(pairs) if old != new), min(len(self._said), len(messages)))
        news = {key: value for key, value in request.items() if key not in ("messages", "tools")}
        if request.get("tools") != self._tools:
            news["tools"] = request.get("tools")
        self._said, self._tools = messages, request.get("tools")
        return news | {"keep": keep, "messages": messages[keep:]}

    def _write(self, account: dict[str, Any], name: str, said: object) -> None:
        room = self._size < MAX_FILE
        line = msgspec.json.encode(account | {name: self._fit(said) if room else None}) + b"\n"
        self._append(line)

    def _append(self, line: bytes) -> None:
        try:
            write(self._file, line)
            if self._durable:
                os.fsync(self._file)
        except OSError:
            # A torn line in the middle would swallow the next one.
            with suppress(OSError):
                os.ftruncate(self._file, self._size)
            raise
        self._size += len(line)

    def _fit(self, value: object) -> object:
        """`value` without secrets and with long texts cut."""
        if isinstance(value, str):
            return cut(redact(value, self._secrets), MAX_TEXT)
        if isinstance(value, Mapping):
            return {self._fit(str(key)): self._fit(item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [self._fit(item) for item in value]
        return value


def cut(text: str, most: int) -> str:
    """`text`, or where it has more than `most` characters its two ends around a note."""
    if len(text) <= most:
        return text
    half = most // 2
    return f"{text[:half]}\n[... {len(text) - 2 * half:,} characters left out ...]\n{text[-half:]}"


def spent(folder: Path) -> Usage:
    """What the job whose calls are in `folder` has cost, calls without a known end counted in full; none if no file.

    `seconds` stays 0: how long a job took is for the worker's clock to say.
    """
    calls: dict[int, Usage] = {}
    for line in _lines(folder):
        if "reserve" in line:
            calls[line["call"]] = Usage(line["reserve"], 1)
        elif line.get("counted", True):
            calls[line["call"]] = Usage(line["usd"], 1, line.get("in", 0), line.get("out", 0))
        else:
            calls.pop(line["call"], None)
    return sum(calls.values(), Usage())


def read_transcript(folder: Path) -> str:
    """The calls in `folder` as text to read: what was new in each request, the reply, the cost."""
    lines = (*_lines(folder / CACHED), *_lines(folder))
    return "\n".join(part for line in lines for part in _readable(line))


def _lines(folder: Path) -> Iterator[dict[str, Any]]:
    """The whole lines of the ledger. A torn one was a request never sent, or a reply whose reservation stands."""
    for raw in raw_lines(folder):
        try:
            line = msgspec.json.decode(raw, type=dict[str, Any])
        except msgspec.DecodeError:
            continue
        if isinstance(line.get("call"), int) and ("reserve" in line or "usd" in line):
            yield line


def raw_lines(folder: Path) -> Iterator[bytes]:
    """The lines of the ledger in `folder`, one at a time; none if there is no ledger."""
    try:
        with (folder / NAME).open("rb") as file:
            yield from file
    except FileNotFoundError:
        return


def _readable(line: Mapping[str, Any]) -> Iterator[str]:
    call = line["call"]
    if "reserve" in line:
        request = line["request"]
        if request is None:
            yield f"--- call {call} (not recorded: the transcript has reached its size limit)"
            return
        kept = f", after {request['keep']} earlier messages" if request["keep"] else ""
        yield f"--- call {call} to {request.get('model')}{kept}"
        for tool in request.get("tools") or ():
            yield _indented(f"[tool] {tool['function']['name']}: {tool['function'].get('description') or ''}")
        for message in request["messages"]:
            yield from _spoken(message)
    elif "error" in line:
        failed = f"--- call {call} failed after {line['seconds']:.1f} s ({line['usd']:.6f} USD): {line['error']}"
        yield _indented(failed)
    else:
        yield f"--- reply {call} ({line['in']:,} tokens in, {line['out']:,} out, {line['usd']:.6f} USD)"
        for choice in (line["response"] or {}).get("choices") or ():
            yield from _spoken(choice["message"])


def _spoken(message: Mapping[str, Any]) -> Iterator[str]:
    content = message.get("content")
    if isinstance(content, list):
        content = "\n".join(part["text"] for part in content)
    yield _indented(f"[{message['role']}] {content or ''}".rstrip())
    for call in message.get("tool_calls") or ():
        yield _indented(f"[calls {call['function']['name']}] {call['function']['arguments']}")


def _indented(text: str) -> str:
    """`text` with nothing but its first line at the margin, where it could pass for another call or reply."""
    return "\n  ".join(text.splitlines())
