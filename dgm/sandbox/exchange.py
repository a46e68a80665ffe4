"""The host's end of the conversation with a warden: what is sent, and what is made of the reply.

Invariant: the reply is hostile input. Once the command has begun, no reply whatever makes a `SandboxFault`: what
cannot be read is the code's own doing, and says so in `Ran.refused`. Only what follows a word that host and warden
alone know is taken for the report: not every runtime keeps code from writing where the warden writes.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.resources import files as resources
from socket import socket
from threading import Event, Lock
from time import monotonic
from typing import Literal, NamedTuple

from dgm.files import LITTER, BadFiles, File, Files, check_path, without_litter
from dgm.jobs import JobId
from dgm.protocols import Errand, Ran

MB = 1 << 20
PAUSE = 2.0


class Message(NamedTuple):
    """One message to or from a warden."""

    kind: str
    name: str = ""
    data: bytes = b""

    def packed(self) -> bytes:
        name = self.name.encode()
        return b"%s %d %d\n" % (self.kind.encode(), len(name), len(self.data)) + name + self.data


WARDEN = resources("dgm.sandbox").joinpath("warden.py").read_bytes
"""The program that is the first process of every sandbox."""


NO_PYTHON = "there is no Python 3 where it was looked for"
FIRST = f"""
unset PWD OLDPWD
for python in "$@"; do command -v "$python" >/dev/null && exec "$python" -I -S -c "$0"; done
echo "{NO_PYTHON} ($*): all that runs in a sandbox is started by one. Add it to the image, or say where it is, in\\
 sandbox.python or, for SWE-bench, as python in the benchmark.toml" >&2
exit 127
"""


def warden_command(pythons: Sequence[str]) -> list[str]:
    """How to start a warden with the first of `pythons` that is there. Its program is the first thing that it reads:
    process lists stay readable.

    Without site packages and settings from the environment, since untrusted files may hold some.
    """
    size = len(WARDEN())
    text = f"import os; s = b''\nwhile len(s) < {size}: s += os.read(0, {size} - len(s)) or os._exit(1)\nexec(s)"
    return ["/bin/sh", "-c", FIRST, text, *pythons]


def order(
    errand: Errand, places: Mapping[str, str], env: Mapping[str, str], word: str, watched: str | None = None
) -> bytes:
    """What to send to a warden. `places`: what the placeholders stand for, but for the interpreter. `word`: drawn for
    this errand, to know its report by.

    `watched`: the folder whose size, and with it the number and the memory of processes, the warden has to watch
    itself, for want of a container.
    """

    def filled(text: str) -> str:
        for name, place in places.items():
            text = text.replace("{" + name + "}", place)
        return text

    limits = errand.limits
    settings = {
        "word": word,
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
    messages += [Message("derive", "", filled(word).encode()) for word in errand.derive]
    messages += [Message("setup", "", filled(word).encode()) for word in errand.setup]
    messages += [Message("env", name, filled(value).encode()) for name, value in (*env.items(), *errand.env.items())]
    messages += [Message("take", name) for name in errand.take]
    messages += [Message("litter", name) for name in LITTER]
    for path, file in errand.files.items():
        check_path(path.removeprefix("/"))
        messages.append(Message("exec" if file.executable else "file", path, file.data))
    return WARDEN() + b"".join(message.packed() for message in (*messages, Message("go")))


def most_bytes(errand: Errand) -> int:
    """A warden's reply is shorter than this."""
    return errand.limits.take_bytes + errand.limits.output_bytes + 64 * MB


def writes_outside(errand: Errand) -> bool:
    """Whether the errand is about folders of an image, outside of home."""
    return bool(errand.derive) or any(path.startswith("/") for path in (errand.cwd, *errand.take, *errand.files))


def stages(errand: Errand) -> int:
    """How many commands are run, each of which may take as long as the errand."""
    return 1 + bool(errand.derive) + bool(errand.setup)


Ended = Literal["exited", "timeout", "memory", "cancelled"]


class Reply:
    """What a warden said, as far as it can be understood. `word`: as it was told to it."""

    def __init__(self, data: bytes, word: str) -> None:
        self.messages: list[Message] = []
        at = 0
        while found := _message(data, at):
            message, at = found
            self.messages.append(message)
        self.whole = at == len(data)
        start = Message("report", "", word.encode())
        self.report = self.messages[self.messages.index(start) :] if start in self.messages else []
        """What was said when no code of the errand was left."""

    @property
    def begun(self) -> bool:
        """Whether the command was started. Before that, no hostile code has run."""
        return bool(self.messages) and self.messages[0].kind == "begun"

    @property
    def done(self) -> bool:
        """Whether the reply is complete and nothing but a reply."""
        return self.begun and self.whole and bool(self.report) and self.report[-1].kind == "done"

    def fault(self) -> str:
        """Why the command was not started, as the warden saw it."""
        return next((m.data.decode("utf-8", "replace")[:500] for m in self.messages if m.kind == "fault"), "")

    def ran(self, errand: Errand, seconds: float, cancelled: bool) -> Ran:
        """The reply as a value. `seconds` is the host's own measure: a timeout that came too early is not believed."""
        if not self.done:
            return broken("cancelled" if cancelled else "exited", "the report was cut off or cannot be read", seconds)
        last = {message.kind: message for message in self.report}
        said = last.get("ended", Message("ended"))
        output = last.get("output", Message("output")).data[: errand.limits.output_bytes + 100]
        if said.name in OVER:
            output += f"\n[ended by the sandbox: {OVER[said.name]}]\n".encode()
        files, deleted, refused = _taken(self.report, errand)
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


def converse(
    connection: socket,
    payload: bytes,
    until: float,
    receive: Callable[[bytes], bool],
    look: Callable[[], bool] = lambda: True,
) -> bool:
    """Send `payload`, then hand all that arrives to `receive`; True at the end, or as soon as a function says False.

    `until`: a `time.monotonic`; False when it has passed. `look` is called whenever nothing came for `PAUSE` seconds.
    Raises `OSError`.
    """
    connection.settimeout(max(PAUSE, until - monotonic()))
    try:
        connection.sendall(payload)
    except (BrokenPipeError, ConnectionResetError):
        pass  # A warden that fails early does not read everything, but says why.
    except TimeoutError:
        return False
    while (left := until - monotonic()) > 0:
        connection.settimeout(min(left, PAUSE))
        try:
            data = connection.recv(1 << 20)
        except TimeoutError:
            if not look():
                return True
            continue
        except ConnectionResetError:
            return True
        if not data or not receive(data):
            return True
    return False


class Running:
    """The errands under way, so that another thread can end them."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._errands: dict[object, tuple[JobId, Event, Callable[[], None]]] = {}

    @contextmanager
    def errand(self, job: JobId, end: Callable[[], None]) -> Iterator[Event]:
        """Within, `cancel` sets the event and then calls `end`, from any thread; `end` does not wait."""
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
