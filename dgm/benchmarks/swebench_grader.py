"""Runs the tests in a grading container and listens to the proof, once `swebench_lay` has laid the patch.

Sent into a sandbox and run after it by the same interpreter; its only argument is PLAN, in the grader's own folder:
`script` (the evaluation script), `proof` (the plugin, or empty) and `log_bytes`. Beside that folder it leaves
`out/log`, what the script printed, and `out/result.json`.

Before the tests begin, the script stops itself. Then everything that installing the patched project left
running is ended, the plugin is laid among the packages of the tests' interpreter, and only then a nonce is drawn, which
goes to the first process that connects, which is pytest before it loads any product code.

Invariant: what it reports is written once no process is left that could change it; nothing of the agent's is imported.

Standard library only, Python >= 3.6. Images often hold no compiled one, so it imports only what starts at once.
"""

# The plain ones of these load `enum`, which takes longer than all the rest together.
import _signal as signal  # type: ignore[import-not-found]
import _socket as socket
import marshal
import os
import select
import sys
import time

try:
    from _json import encode_basestring_ascii as quoted
except ImportError:
    from json import dumps as quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Plan = dict[str, Any]

ENTRY = "[pytest11]\n{0} = {0}\n"
MOST_PROOF = 1 << 25


def remove(path):  # type: (str) -> None
    if not os.path.isdir(path) or os.path.islink(path):
        if os.path.lexists(path):
            os.unlink(path)
        return
    for folder, folders, names in os.walk(path, topdown=False):
        for name in names + folders:
            inner = os.path.join(folder, name)
            (os.rmdir if os.path.isdir(inner) and not os.path.islink(inner) else os.unlink)(inner)
    os.rmdir(path)


def start(words, out, session):  # type: (list[str], int, bool) -> int
    """Start a command that reads nothing and prints to `out`, errors too if it gets a session of its own.

    Raises `OSError` if it cannot be started."""
    source, sink = os.pipe()
    child = os.fork()
    if child:
        os.close(sink)
        with open(source, "rb") as file:
            if file.read():
                raise OSError("cannot start " + words[0])
        return child
    try:
        for number in (signal.SIGPIPE, signal.SIGXFSZ):
            signal.signal(number, signal.SIG_DFL)
        null = os.open(os.devnull, os.O_RDWR)
        for number, end in enumerate((null, out, out if session else null)):
            os.dup2(end, number)
        if session:
            os.setsid()
            os.chdir("/")
        os.execvp(words[0], words)  # noqa: S606
    finally:
        os.write(sink, b"!")
        os._exit(127)


# ---------------------------------------------------------------- the tests


class Listener:
    """The end of the proof's line. It is open from the last gate until the first one has connected."""

    def __init__(self, place):  # type: (str) -> None
        self.place, self.proof, self.started, self.nonce = place, bytearray(), False, ""
        self.door = None  # type: socket.socket | None
        self.line = None  # type: socket.socket | None

    def open(self):  # type: () -> None
        self.close()
        self.proof, self.started = bytearray(), False
        self.nonce = os.urandom(16).hex()
        self.door = socket.socket(socket.AF_UNIX)
        self.door.bind(self.place)
        self.door.listen(1)

    def ends(self):  # type: () -> list[socket.socket]
        return [end for end in (self.door, self.line) if end is not None]

    def close(self):  # type: () -> None
        for end in self.ends():
            end.close()
        self.door = self.line = None
        remove(self.place)

    def attend(self, end):  # type: (socket.socket) -> None
        """Something arrived at `end`. What comes after the first complete proof does not matter any more."""
        if end is self.door:
            line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM, 0, end._accept()[0])  # type: ignore[attr-defined]
            self.close()
            names = [("test_" + os.urandom(4).hex()) for _ in range(2)]
            self.line, self.started = line, True
            try:  # noqa: SIM105
                line.sendall(" ".join([self.nonce, *names]).encode())
            except OSError:
                pass
            return
        try:
            data = end.recv(1 << 18)
        except OSError:
            data = b""
        if not data:
            end.close()
            self.line = None
        elif len(self.proof) < MOST_PROOF:
            self.proof += data


def others(spared):  # type: (set[int]) -> list[int]
    """The processes that are alive, beside this one, the first one and `spared`."""
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit() and int(name) not in spared | {1, os.getpid()}:
            try:
                with open("/proc/" + name + "/stat", "rb") as file:
                    if file.read().rpartition(b")")[2].split()[0] not in (b"Z", b"X"):
                        found.append(int(name))
            except (OSError, IndexError):
                continue
    return found


def end_others(spared):  # type: (set[int]) -> None
    until = time.time() + 10
    while time.time() < until:
        left = others(spared)
        if not left:
            return
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except OSError:
                continue
        time.sleep(0.002)


def lay_plugin(plan, folder, listener, began):  # type: (Plan, str, Listener, float) -> list[str]
    """Put the plugin among the packages of the tests' interpreter. What of pytest there is not as the image had it."""
    try:
        with open(os.path.join(folder, "python")) as file:
            python = file.readline().strip()
        place = packages(python)
    except (OSError, ValueError):
        return []
    if not os.path.isdir(place):
        return []
    name = "outcomes_" + os.urandom(4).hex()
    info = os.path.join(place, name + "-1.0.dist-info")
    os.mkdir(info)
    texts = {"METADATA": "Metadata-Version: 2.1\nName: " + name + "\nVersion: 1.0\n", "RECORD": ""}
    texts["entry_points.txt"] = ENTRY.format(name)
    for part, text in texts.items():
        with open(os.path.join(info, part), "w") as file:
            file.write(text)
    with open(os.path.join(folder, plan["proof"])) as file:
        source = file.read().replace("@SOCKET@", listener.place)
    with open(os.path.join(place, name + ".py"), "w") as file:
        file.write(source)
    return altered(place, began)


def packages(python):  # type: (str) -> str
    """Where `python` looks for packages; empty if it does not say so within a minute."""
    question = "import sysconfig; print(sysconfig.get_paths()['purelib'])"
    answer, sink = os.pipe()
    child = start([python, "-I", "-B", "-c", question], sink, False)
    os.close(sink)
    said, until = b"", time.monotonic() + 60
    while b"\n" not in said and len(said) < 1 << 16:
        if not select.select([answer], [], [], max(0.0, until - time.monotonic()))[0]:
            break
        data = os.read(answer, 4096)
        if not data:
            break
        said += data
    os.close(answer)
    if b"\n" not in said:
        os.kill(child, signal.SIGKILL)
    return said.decode().partition("\n")[0] if b"\n" in said else ""


def altered(place, began):  # type: (str, float) -> list[str]
    """Files below `place` that steer how tests run and were written since `began`; no clock can be set back here."""
    found = []
    for package in ("_pytest", "pytest", "pluggy"):
        for folder, _, names in os.walk(os.path.join(place, package)):
            found += [os.path.join(folder, name) for name in names if not name.endswith(".pyc")]
    found += [os.path.join(place, name) for name in ("pytest.py", "sitecustomize.py", "usercustomize.py")]
    return [path for path in found if os.path.lexists(path) and os.lstat(path).st_ctime > began]


def run(plan, folder, log):  # type: (Plan, str, int) -> Plan
    """Run the evaluation script and attend to its gate and to the proof, until it ends."""
    listener, began, changed = Listener(os.path.join(folder, "line")), time.time(), []
    wake, waker = os.pipe()
    os.set_blocking(waker, False)
    signal.set_wakeup_fd(waker)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    bash = start(["/bin/bash", os.path.join(folder, plan["script"])], log, True)
    os.write(1, b"begun\n")
    while True:
        pid, status = os.waitpid(bash, os.WNOHANG | os.WUNTRACED)
        if pid and os.WIFSTOPPED(status):
            end_others({bash})
            if plan["proof"]:
                changed += lay_plugin(plan, folder, listener, began)
                end_others({bash})
                listener.open()
            os.kill(bash, signal.SIGCONT)
        elif pid:
            break
        ends = {end.fileno(): end for end in listener.ends()}
        for end in select.select([wake, *ends], [], [], 1.0)[0]:
            if end == wake:
                os.read(wake, 4096)
            else:
                listener.attend(ends[end])
    end_others(set())
    while listener.line is not None and select.select([listener.line], [], [], 0)[0]:
        listener.attend(listener.line)
    return {
        "exit": -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status),
        "altered": sorted(set(changed))[:20],
        "started": listener.started,
        "nonce": listener.nonce,
        "proof": bytes(listener.proof).decode("utf-8", "replace"),
        "seconds": time.time() - began,
    }


def unmarshalled(place):  # type: (str) -> Plan
    with open(place, "rb") as file:
        plan = marshal.load(file)  # type: Plan  # noqa: S302  # none of the agent's has run yet
    return plan


def written(value):  # type: (Any) -> str
    """`value` as JSON."""
    if isinstance(value, dict):
        return "{" + ",".join(quoted(name) + ":" + written(one) for name, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(written, value)) + "]"
    if isinstance(value, str):
        return str(quoted(value))
    return str(value).lower()


def main():  # type: () -> None
    folder = os.path.dirname(os.path.abspath(sys.argv[1]))
    plan, result = map(unmarshalled, (sys.argv[1], os.path.join(folder, "laid")))
    os.unlink(sys.argv[1])
    place = os.path.join(folder, "log")
    log = os.open(place, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
    if not result["refused"]:
        result.update(run(plan, folder, log))
    out = os.path.join(os.path.dirname(folder), "out")
    remove(out)
    os.mkdir(out)
    size = os.fstat(log).st_size
    result["log_bytes"] = size
    with open(os.path.join(out, "result.json"), "w") as file:
        file.write(written(result))
    if size <= plan["log_bytes"]:
        with open(os.path.join(out, "log"), "wb") as copy:
            os.lseek(log, 0, os.SEEK_SET)
            for data in iter(lambda: os.read(log, 1 << 20), b""):
                copy.write(data)


if __name__ == "__main__":
    main()
