"""The first process of a sandbox: unpacks files, runs one command, ends everything, reports what was left behind.

Invariant: when the report goes out, no process of the errand is alive, so nothing can change what is being read. The
source of this module is sent as text to interpreters that have never heard of `dgm`: standard library only, Python 3.6
and later. Images often hold no compiled standard library, so it imports only what starts at once.

Both ways, a message is a line of three words, `<kind> <length of name> <length of data>`, then the name and the data.
"""

# The plain `signal` loads `enum`, which takes longer than all the rest together.
import _signal as signal  # type: ignore[import-not-found]
import errno
import os
import resource
import select
import stat
import sys
import time

try:
    import ctypes

    prctl = ctypes.CDLL(None).prctl
except (ImportError, OSError, AttributeError):

    def prctl(*_words):  # type: ignore
        """Minimal interpreters go without: then the container alone keeps processes together."""
        return -1


PDEATHSIG, DUMPABLE, SUBREAPER = 1, 4, 36  # the options of prctl(2)
ENTRIES = 200_000  # more files than this are not looked at
CHUNK = 1 << 18
UNREADABLE = 0  # the mode of a folder that cannot be listed
LONG_AGO = 1_000_000_000  # the age of all input, so that any write to it shows


# ---------------------------------------------------------------- messages


def send(kind, name=b"", data=b""):  # type: (str, bytes, bytes) -> None
    message = b"%s %d %d\n" % (kind.encode(), len(name), len(data)) + name + data
    while message:
        message = message[os.write(1, message) :]


class Order:
    """What the host wants done. Paths are bytes throughout: a file name need not be text."""

    def __init__(self):  # type: () -> None
        self.command = []  # type: list[bytes]
        self.derive = []  # type: list[bytes]
        self.setup = []  # type: list[bytes]
        self.env = {}  # type: dict[bytes, bytes]
        self.take = []  # type: list[bytes]
        self.litter = []  # type: list[bytes]
        self.text = {}  # type: dict[bytes, bytes]

    def number(self, name):  # type: (bytes) -> float
        return float(self.text[name])

    def path(self, name):  # type: (bytes) -> bytes
        return os.path.join(self.text[b"home"], name)

    def shown(self, path):  # type: (bytes) -> bytes
        """`path` as the host knows it: relative to home, unless a folder was named by its absolute path."""
        inside = self.text[b"home"] + b"/"
        return path[len(inside) :] if path.startswith(inside) else path


def receive():  # type: () -> Order
    """Read the order from standard input and unpack its files as they arrive."""
    order = Order()
    words_of = {b"arg": order.command, b"derive": order.derive, b"setup": order.setup}
    with open(0, "rb", closefd=False) as source:
        while True:
            words = source.readline().split()
            if not words:
                sys.exit("the host left before it had said what to do")
            kind, name, data = words[0], source.read(int(words[1])), source.read(int(words[2]))
            if kind == b"set":
                order.text[name] = data
            elif kind in words_of:
                words_of[kind].append(named(data))
            elif kind == b"env":
                order.env[name] = named(data)
            elif kind == b"take":
                order.take.append(name)
            elif kind == b"litter":
                order.litter.append(name)
            elif kind == b"go":
                return order
            else:
                unpack(order.path(name), data, kind == b"exec")


def named(text):  # type: (bytes) -> bytes
    """Which interpreter there is shows only here."""
    return text.replace(b"{python}", os.fsencode(sys.executable))


def unpack(path, data, executable):  # type: (bytes, bytes, bool) -> None
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(data)
    os.chmod(path, 0o755 if executable else 0o644)
    os.utime(path, (LONG_AGO, LONG_AGO))


# ---------------------------------------------------------------- processes


def start(order, command, output):  # type: (Order, list[bytes], int) -> int
    """Start the command in a session of its own; `output` becomes its standard output and error."""
    child = os.fork()
    if child:
        return child
    try:
        prctl(DUMPABLE, 1)
        prctl(PDEATHSIG, int(signal.SIGKILL))
        os.setsid()
        for number in (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(output, 1)
        os.dup2(output, 2)
        confine(order)
        os.chdir(order.path(order.text[b"cwd"]))
        os.execvpe(command[0], command, order.env)  # noqa: S606
    except OSError as error:
        os.write(2, b"cannot start %s: %s\n" % (command[0], (error.strerror or "").encode()))
        os._exit(127 if error.errno == errno.ENOENT else 126)
    finally:
        os._exit(125)


def confine(order):  # type: (Order) -> None
    """Limit the calling process and all that it will start."""
    for kind, most in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, int(order.number(b"disk"))),
        (resource.RLIMIT_NOFILE, 1024),
    ):
        hard = resource.getrlimit(kind)[1]
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (most, most))
    try:
        # When memory runs out, the kernel shall end the code and not the warden, who has to report it.
        with open("/proc/self/oom_score_adj", "wb") as file:
            file.write(b"1000")
    except OSError:
        pass


def family():  # type: () -> dict[int, int]
    """All living descendants of this process, and the private memory of each in bytes."""
    children = {}  # type: dict[int, list[int]]
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open("/proc/" + name + "/stat", "rb") as file:
                    parent = int(file.read().rpartition(b")")[2].split()[1])
            except (OSError, IndexError):
                continue
            children.setdefault(parent, []).append(int(name))
    found, todo = {}, [os.getpid()]
    while todo:
        for child in children.get(todo.pop(), ()):
            try:
                with open("/proc/" + str(child) + "/statm", "rb") as file:
                    words = file.read().split()
            except OSError:
                continue
            found[child] = max(0, int(words[1]) - int(words[2])) * resource.getpagesize()
            todo.append(child)
    return found


def end_all(alone):  # type: (bool) -> None
    """End every process of the errand. `alone`: this process has a container to itself and may aim at all others."""
    until = time.monotonic() + 10
    stopped = set()  # type: set[int]
    while time.monotonic() < until:
        if alone:
            kill(-1, signal.SIGKILL)
            if not reap():
                return
        else:
            alive = family()
            fresh = set(alive) - stopped
            # What forks faster than it can be counted has to be held still first.
            for pid in fresh:
                kill(pid, signal.SIGSTOP)
            stopped |= fresh
            if fresh:
                continue
            for pid in alive:
                kill(pid, signal.SIGKILL)
            if not reap():
                return
        time.sleep(0.002)
    sys.exit("some processes cannot be ended")  # Without a report, the host takes over.


def kill(pid, number):  # type: (int, int) -> None
    try:
        os.kill(pid, number)
    except (ProcessLookupError, PermissionError):
        return


def reap(main=0):  # type: (int) -> int | None
    """Collect dead children. The wait status of `main` if it was among them, else -1; None if no child is left."""
    status = -1
    while True:
        try:
            pid, how = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return None if status < 0 else status
        if pid == 0:
            return status
        if pid == main:
            status = how


# ---------------------------------------------------------------- output


class Output:
    """The head and the tail of a stream of any length, in bounded memory."""

    def __init__(self, most):  # type: (int) -> None
        self.half, self.head, self.tail, self.dropped = max(1, most // 2), b"", bytearray(), 0

    def add(self, data):  # type: (bytes) -> None
        room = self.half - len(self.head)
        self.head += data[:room]
        self.tail += data[room:] if room > 0 else data
        if len(self.tail) > 2 * self.half + CHUNK:
            self.trim()

    def trim(self):  # type: () -> None
        over = max(0, len(self.tail) - self.half)
        self.dropped += over
        del self.tail[:over]

    def all(self):  # type: () -> bytes
        self.trim()
        gap = b"\n[... %d bytes left out ...]\n" % self.dropped if self.dropped else b""
        return self.head + gap + bytes(self.tail)

    def drain(self, source):  # type: (int) -> bool
        """Add what is there to be read; False at the end of the stream."""
        try:
            data = os.read(source, CHUNK)
        except BlockingIOError:
            return False
        self.add(data)
        return bool(data)


class Watch:
    """The limits that the kernel does not enforce outside of a container: looked at several times a second."""

    def __init__(self, order):  # type: (Order) -> None
        self.order, self.next, self.next_disk = order, 0.0, 0.0
        self.on = b"folder" in order.text

    def verdict(self):  # type: () -> str
        """The name of a limit that has been passed, or nothing. Looking takes at most a twentieth of the time."""
        now = time.monotonic()
        if not self.on or now < self.next:
            return ""
        alive = family()
        if len(alive) > self.order.number(b"pids"):
            return "pids"
        if sum(alive.values()) > self.order.number(b"memory"):
            return "memory"
        if now >= self.next_disk:
            start = time.monotonic()
            if usage(self.order.text[b"folder"]) > self.order.number(b"disk"):
                return "disk"
            self.next_disk = now + max(0.5, 20 * (time.monotonic() - start))
        self.next = now + max(0.1, 20 * (time.monotonic() - now))
        return ""


def usage(folder):  # type: (bytes) -> int
    """Bytes on disk below `folder`."""
    size, todo, count = 0, [folder], 0
    while todo and count < ENTRIES:
        try:
            with os.scandir(todo.pop()) as entries:
                for entry in entries:
                    count += 1
                    size += entry.stat(follow_symlinks=False).st_blocks * 512
                    if entry.is_dir(follow_symlinks=False):
                        todo.append(entry.path)
        except OSError:
            continue
    return size


def starved():  # type: () -> bool
    """Whether the kernel has ended a process of this container for memory. Not every engine remembers that."""
    for name in ("memory.events", "memory/memory.oom_control"):  # of the two versions of control groups
        try:
            with open("/sys/fs/cgroup/" + name, "rb") as file:
                counts = dict(line.split() for line in file.read().splitlines())
        except (OSError, ValueError):
            continue
        if counts.get(b"oom_kill", b"0") != b"0":
            return True
    return False


def waking():  # type: () -> int
    """Something to poll that becomes readable whenever a child has died."""
    wake, waker = os.pipe()
    os.set_blocking(wake, False)
    os.set_blocking(waker, False)
    signal.set_wakeup_fd(waker)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    return wake


def perform(order, command):  # type: (Order, list[bytes]) -> tuple[str, int, Output]
    """Run `command`: how it ended, its exit code (negative: a signal), and what it printed."""
    source, sink = os.pipe()
    child = start(order, command, sink)
    os.close(sink)
    ended, status, output = attend(order, child, source)
    os.close(source)
    return ended, -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status), output


def attend(order, main, source):  # type: (Order, int, int) -> tuple[str, int, Output]
    """Stay until the command has ended, time is up, a limit is passed or the host is gone; then end everything."""
    output, watch = Output(int(order.number(b"output"))), Watch(order)
    until = time.monotonic() + order.number(b"seconds")
    wake = waking()
    os.set_blocking(source, False)
    poll = select.poll()
    for end in (0, wake, source):
        poll.register(end, select.POLLIN)
    ended, status = "", reap(main)
    while not ended and status is not None and status < 0:
        left = until - time.monotonic()
        if left <= 0:
            ended = "timeout"
            break
        for end, _ in poll.poll(min(left, 0.1 if watch.on else 60.0) * 1000 + 1):
            if end == source:
                if not output.drain(source):
                    poll.unregister(source)
            elif not os.read(end, 4096):
                ended = "abandoned"
        ended = ended or watch.verdict()
        status = reap(main)
    end_all(b"folder" not in order.text)
    while output.drain(source):
        pass
    return ended or "exited", max(status or 0, 0), output


# ---------------------------------------------------------------- files


def folders(order):  # type: (Order) -> list[bytes]
    """The folders to take that really are folders all the way down from home, and no links."""
    found = []
    for take in order.take:
        here = order.text[b"home"] if not take.startswith(b"/") else b"/"
        for part in take.split(b"/"):
            here = os.path.join(here, part)
            try:
                real = stat.S_ISDIR(os.lstat(here).st_mode) or take.startswith(b"/")
            except OSError:
                real = False
            if not real:
                break
        if real:
            found.append(os.path.join(order.text[b"home"], take).rstrip(b"/"))
    return found


def survey(order):  # type: (Order) -> dict[bytes, tuple[int, ...]]
    """All but the plain folders below the folders to take: mode, inode, size and times of each."""
    seen = {}  # type: dict[bytes, tuple[int, ...]]
    for root in folders(order):
        todo = [root]
        while todo and len(seen) <= ENTRIES:
            folder = todo.pop()
            try:
                entries = listed(folder)
            except OSError as error:
                seen[folder] = (UNREADABLE, error.errno or 0)
                continue
            for entry in entries:
                info = entry.stat(follow_symlinks=False)
                if not stat.S_ISDIR(info.st_mode):
                    if not entry.name.endswith((b".pyc", b".pyo")):
                        times = info.st_mtime_ns, info.st_ctime_ns
                        seen[entry.path] = (info.st_mode, info.st_ino, info.st_size, *times)
                elif entry.name == b".git" or len(entry.path) - len(root) > 1_000:
                    seen[entry.path] = (info.st_mode, info.st_ino)
                elif entry.name not in order.litter:
                    todo.append(entry.path)
    return seen


def listed(folder):  # type: (bytes) -> list[os.DirEntry[bytes]]
    try:
        return list(os.scandir(folder))
    except PermissionError:
        os.chmod(folder, 0o700)
        return list(os.scandir(folder))


def content(path, state, most):  # type: (bytes, tuple[int, ...], float) -> tuple[bytes | None, bytes]
    """The regular file at `path`, or None and why not. Nothing else is ever opened, and nothing is waited for."""
    if stat.S_ISDIR(state[0]):
        return None, b"a folder that is never taken"
    if state[0] == UNREADABLE or not stat.S_ISREG(state[0]):
        return None, b"not a regular file"
    if state[2] > most:
        return None, b"too large"
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
    try:
        try:
            file = os.open(path, flags)
        except PermissionError:
            os.chmod(path, 0o600)
            file = os.open(path, flags)
        with open(file, "rb") as opened:
            if not stat.S_ISREG(os.fstat(file).st_mode):
                return None, b"not a regular file"
            return opened.read(state[2]), b""
    except OSError as error:
        return None, (error.strerror or "unreadable").encode()


def report(order, before):  # type: (Order, dict[bytes, tuple[int, ...]]) -> None
    """Send all that is new, changed and gone since `before`."""
    after = survey(order)
    if len(after) > ENTRIES:
        send("refused", b".", b"more than %d files; nothing was taken" % ENTRIES)
        return
    files, size, refusals = order.number(b"take_files"), order.number(b"take_bytes"), 0
    # Where the limits leave something out, let it be what was built (new, much or large), not what was edited.
    found = [path for path in after if before.get(path) != after[path]]
    found.sort(key=lambda path: (path not in before, after[path][2] if len(after[path]) > 2 else 0, path))
    for path in found:
        data, reason = content(path, after[path], size) if files else (None, b"too many files")
        if data is not None:
            files, size = files - 1, size - len(data)
            send("exec" if after[path][0] & 0o100 else "file", order.shown(path), data)
            continue
        refusals += 1
        if refusals <= 100:
            send("refused", order.shown(path), reason)
    if refusals > 100:
        send("refused", b".", b"and %d more" % (refusals - 100))
    for path in sorted(before):
        if stat.S_ISREG(before[path][0]) and not stat.S_ISREG(after.get(path, (0,))[0]):
            send("deleted", order.shown(path))


def main():  # type: () -> None
    # Same user or not: nobody may trace this process or write to its open files.
    prctl(DUMPABLE, 0)
    prctl(SUBREAPER, 1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.umask(0o022)
    try:
        order = receive()
        for folder in [order.text[b"home"], order.path(order.text[b"cwd"])] + [order.path(name) for name in order.take]:
            os.makedirs(folder, exist_ok=True)
        for name, value in [*os.environb.items(), (b"PATH", os.defpath.encode())]:
            order.env.setdefault(name, value)
        for command in filter(None, (order.derive, order.setup)):
            ended, code, output = perform(order, command)
            if ended != "exited" or code:
                send("fault", b"", b"the setup failed (%s, %d): " % (ended.encode(), code) + output.all()[-2000:])
                return
        before = survey(order)
    except OSError as error:
        send("fault", b"", str(error).encode())
        return
    send("begun")
    ended, code, output = perform(order, order.command)
    # What the kernel ended for memory looks like any other kill, and a shell adds 128 to the signal.
    if ended == "exited" and code in (-9, 137) and b"folder" not in order.text and starved():
        ended = "memory"
    # From here on, nobody else is there to say anything.
    send("report", b"", order.text[b"word"])
    send("ended", ended.encode(), str(code).encode())
    send("output", b"", output.all())
    report(order, before)
    send("done")


if __name__ == "__main__":
    main()
