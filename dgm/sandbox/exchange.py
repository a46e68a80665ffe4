"""The host's end of the conversation with a warden: what is sent, and what is made of the reply.

Invariant: the reply is hostile input. Once the command has begun, no reply whatever makes a `SandboxFault`: what
cannot be read is the code's own doing, and says so in `Ran.refused`.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib.resources import files as resources
from socket import socket
from threading import Event, Lock
from time import monotonic
from typing import Literal, NamedTuple

from dgm.files import LITTER, BadFiles, File, Files, check_path, without_litter
from dgm.jobs import JobId
from dgm.protocols import Errand, Ran

MB = 1 << 20


class Message(NamedTuple):
    """One message to or from a warden."""

    kind: str
    name: str = ""
    data: bytes = b""

    def packed(self) -> bytes:
        name = self.name.encode()
        return b"%s %d %d\n" % (self.kind.encode(), len(name), len(self.data)) + name + self.data


def warden_source() -> str:
    """The text of the program that is the first process of every sandbox."""
    return resources("dgm.sandbox").joinpath("warden.py").read_text(encoding="utf-8")


def order(errand: Errand, places: Mapping[str, str], env: Mapping[str, str], watched: str | None) -> bytes:
    """What a warden is to do. `places`: what the placeholders stand for. `watched`: the folder whose size, and with
    it the number and the memory of processes, the warden has to watch itself, for want of a container."""

    def filled(text: str) -> str:
        for name, place in places.items():
            text = text.replace("{" + name + "}", place)
        return text

    limits = errand.limits
    settings = {
        "home": places["home"],
        "cwd": errand.cwd,
        "seconds": limits.seconds,
        "output": limits.output_bytes,
        "take_bytes": limits.take_bytes,
        "take_files": limits.take_files,
        "disk": limits.disk_mb * MB,
        "memory": limits.memory_mb * MB,
        "pids": limits.pids,
    }
    if watched is not None:
        settings["folder"] = watched
    messages = [Message("set", name, str(value).encode()) for name, value in settings.items()]
    messages += [Message("arg", "", filled(word).encode()) for word in errand.command]
    messages += [Message("env", name, filled(value).encode()) for name, value in (*env.items(), *errand.env.items())]
    messages += [Message("take", name) for name in errand.take]
    messages += [Message("litter", name) for name in LITTER]
    for path, file in errand.files.items():
        check_path(path.removeprefix("/"))
        messages.append(Message("exec" if file.executable else "file", path, file.data))
    return b"".join(message.packed() for message in (*messages, Message("go")))


def most_bytes(errand: Errand) -> int:
    """A warden's reply is shorter than this."""
    return errand.limits.take_bytes + errand.limits.output_bytes + 64 * MB


Ended = Literal["exited", "timeout", "memory", "cancelled"]


class Reply:
    """What a warden said, as far as it can be understood."""

    def __init__(self, data: bytes) -> None:
        self.messages: list[Message] = []
        at = 0
        while found := _message(data, at):
            message, at = found
            self.messages.append(message)
        self.whole = at == len(data)

    @property
    def begun(self) -> bool:
        """Whether the command was started. Before that, no hostile code has run."""
        return bool(self.messages) and self.messages[0].kind == "begun"

    @property
    def done(self) -> bool:
        """Whether the reply is complete and nothing but a reply."""
        return self.begun and self.whole and self.messages[-1].kind == "done"

    def fault(self) -> str:
        """Why the command was not started, as the warden saw it."""
        return next((m.data.decode("utf-8", "replace")[:500] for m in self.messages if m.kind == "fault"), "")

    def ran(self, errand: Errand, seconds: float, cancelled: bool) -> Ran:
        """The reply as a value. `seconds` is the host's own measure: a timeout that came too early is not believed."""
        if not self.done:
            return broken("cancelled" if cancelled else "exited", "the report was cut off or cannot be read", seconds)
        last = {message.kind: message for message in self.messages}
        said = last.get("ended", Message("ended"))
        output = last.get("output", Message("output")).data[: errand.limits.output_bytes + 100]
        if said.name in OVER:
            output += f"\n[ended by the sandbox: {OVER[said.name]}]\n".encode()
        files, deleted, refused = _taken(self.messages, errand)
        ended, code = _judged(said, cancelled, late=seconds >= errand.limits.seconds)
        return Ran(ended, code, output, files, deleted, refused, seconds)


OVER = {"memory": "too much memory", "pids": "too many processes", "disk": "too much on disk"}


def broken(ended: Ended, reason: str, seconds: float) -> Ran:
    """An errand of which nothing can be said but how it ended."""
    return Ran(ended, None, b"", {}, (), (reason,), seconds)


def _message(data: bytes, at: int) -> tuple[Message, int] | None:
    """The message that starts at `at`, and where the next one starts."""
    line = data.find(b"\n", at, at + 80)
    words = data[at : max(line, at)].split(b" ")
    if len(words) != 3 or not all(word.isdigit() and len(word) < 12 for word in words[1:]):
        return None
    middle = line + 1 + int(words[1])
    end = middle + int(words[2])
    if end > len(data):
        return None
    name = data[line + 1 : middle].decode("utf-8", "backslashreplace")
    return Message(words[0].decode("ascii", "replace"), name, data[middle:end]), end


def _judged(said: Message, cancelled: bool, late: bool) -> tuple[Ended, int | None]:
    if cancelled:
        return "cancelled", None
    if said.name == "timeout" and late:
        return "timeout", None
    if said.name == "memory":
        return "memory", None
    if said.name in OVER:
        return "exited", -9
    digits = said.data.removeprefix(b"-")
    return "exited", int(said.data) if said.name == "exited" and digits.isdigit() and len(digits) < 5 else None


def _taken(messages: Iterable[Message], errand: Errand) -> tuple[Files, tuple[str, ...], tuple[str, ...]]:
    """Of all that was left behind: the files that are safe to keep, the paths that are gone, and what was refused."""
    files: dict[str, File] = {}
    deleted: list[str] = []
    refused: list[str] = []
    size = 0
    for kind, name, data in messages:
        if kind == "refused":
            refused.append(f"{ascii(name)[1:-1]}: {data.decode('utf-8', 'replace')}")
        if kind not in ("file", "exec", "deleted"):
            continue
        try:
            _check_taken(name, errand.take)
        except BadFiles as error:
            refused.append(str(error))
            continue
        size += len(data)
        if kind == "deleted":
            deleted.append(name)
        elif len(files) >= errand.limits.take_files or size > errand.limits.take_bytes:
            refused.append(f"{name}: too many files or bytes")
        elif (file := File(data, kind == "exec")) != errand.files.get(name):
            files[name] = file
    clean = without_litter(files)
    gone = without_litter(dict.fromkeys(deleted, File(b"")))
    return dict(sorted(clean.items())), tuple(sorted(gone)), tuple(refused[:200])


def _check_taken(path: str, take: Iterable[str]) -> None:
    check_path(path.removeprefix("/"))
    if not any(path.startswith(folder.rstrip("/") + "/") for folder in take):
        raise BadFiles(f"the path {path!r} is outside of what was to be taken")


def converse(connection: socket, payload: bytes, until: float, receive: Callable[[bytes], bool]) -> bool:
    """Send `payload`, then hand all that arrives to `receive`, until the end, or until that returns False.

    `until`: a `time.monotonic`. Returns whether the conversation ended in time. Raises `OSError`.
    """
    try:
        connection.settimeout(max(0.1, until - monotonic()))
        # A warden that fails early does not read everything; what it says is more telling than the broken pipe.
        with suppress(BrokenPipeError, ConnectionResetError):
            connection.sendall(payload)
        while (left := until - monotonic()) > 0:
            connection.settimeout(left)
            try:
                data = connection.recv(1 << 20)
            except ConnectionResetError:
                return True
            if not data or not receive(data):
                return True
    except TimeoutError:
        pass
    return False


class Running:
    """The errands under way, so that another thread can end them."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._errands: dict[object, tuple[JobId, Event, Callable[[], None]]] = {}

    @contextmanager
    def errand(self, job: JobId, end: Callable[[], None]) -> Iterator[Event]:
        """Within, `cancel` sets the event and then calls `end`, from any thread."""
        key, cancelled = object(), Event()
        with self._lock:
            self._errands[key] = job, cancelled, end
        try:
            yield cancelled
        finally:
            with self._lock:
                del self._errands[key]

    def cancel(self, job: JobId | None) -> None:
        """End the errands of `job`, or all."""
        with self._lock:
            matching = [(event, end) for number, event, end in self._errands.values() if job in (None, number)]
        for event, _ in matching:
            event.set()
        for _, end in matching:
            end()
