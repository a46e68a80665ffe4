"""Errands as plain processes in a temporary folder, with this user's rights: for simulations, tests and trusted code.

It limits accidents, not attackers: code that runs here can read what this user can read, reach the network, and, if
it tries, escape the limits. What is promised: an empty environment, a deadline, an end to all processes that were
started, and bounds on memory, processes, disk and output that are looked at several times a second.

Invariant: every errand has a folder of its own, named after the run, and all its processes carry that name in their
environment, so that what a killed driver leaves behind can be found and ended.
"""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from secrets import token_hex
from time import monotonic

from dgm.jobs import JobId
from dgm.protocols import Errand, Ran, SandboxFault
from dgm.sandbox.exchange import (
    MB,
    Reply,
    Running,
    broken,
    converse,
    most_bytes,
    order,
    stages,
    warden_command,
    writes_outside,
)

NO_IMAGES = "this task lives in a Docker image; start a Docker engine and set sandbox.kind = 'docker'"
GRACE = 60.0
"""Seconds beyond the errand's own that unpacking, starting and reporting may take on a busy machine."""

FULL = 2 * MB
"""With less than this free, what is missing may be missing because the disk refused it."""


class LocalSandbox:
    """The `Sandbox` that needs nothing but a Python."""

    name = "local"

    def __init__(self, run_id: str, python: str = sys.executable, folder: Path | None = None, note: str = "") -> None:
        """`python`: the interpreter for agents. `folder`: where errands get theirs; None: the temporary folder.
        `note`: why this sandbox was chosen, for people."""
        if not re.fullmatch(r"\w{1,64}", run_id):
            raise ValueError(f"the run id {run_id!r} must be 1 to 64 letters, digits or underscores")
        self.note = note
        self._python = python
        self._base = Path(folder or tempfile.gettempdir()).resolve()
        self._run = f"dgm-{run_id}-"
        self._prefix = f"{self._run}{token_hex(4)}-"
        self._running = Running()

    def check(self) -> None:
        if sys.platform != "linux":
            raise SandboxFault("the local sandbox needs Linux; use Docker: set sandbox.kind = 'docker'")
        ran = self.run(Errand(job=0, command=("{python}", "-c", "print('ready')")))
        if ran.exit != 0:
            raise SandboxFault(f"{self._python} does not run in a local sandbox: {ran.output.decode(errors='replace')}")

    def run(self, errand: Errand) -> Ran:
        if errand.image is not None or writes_outside(errand):
            raise SandboxFault(NO_IMAGES)
        try:
            folder = Path(tempfile.mkdtemp(prefix=self._prefix, dir=self._base))
        except OSError as error:
            raise SandboxFault(f"no folder can be made in {self._base}: {error.strerror}; free some space") from error
        try:
            ran = self._run_in(folder, errand)
            full = ran.ended != "cancelled" and self._free() < FULL
        finally:
            remove(folder)
        if full and self._free() < errand.limits.disk_mb * MB:
            raise SandboxFault(f"the disk of {self._base} is full, so an errand there says nothing: make room")
        return ran

    def _free(self) -> int:
        return shutil.disk_usage(self._base).free

    def _run_in(self, folder: Path, errand: Errand) -> Ran:
        home = folder / "home"
        (folder / "tmp").mkdir()
        env = {
            "HOME": str(home),
            "TMPDIR": str(folder / "tmp"),
            "LANG": "C.UTF-8",
            "PATH": f"{Path(self._python).parent}:/usr/local/bin:/usr/bin:/bin",
        }
        places = {"home": str(home), "door": str(errand.door or "")}
        word = token_hex(16)
        payload = order(errand, places, env, word, watched=str(folder))
        ours, theirs = socket.socketpair()
        received = bytearray()

        def receive(data: bytes) -> bool:
            received.extend(data)
            return len(received) <= most_bytes(errand)

        def end() -> None:
            # The warden reads an end of its input as: the host is gone.
            with suppress(OSError):
                ours.shutdown(socket.SHUT_WR)

        with ours, self._running.errand(errand.job, end) as cancelled, (folder / "faults").open("w+b") as faults:
            start = monotonic()
            with theirs:
                warden = self._start(folder, env, theirs, faults.fileno())
            try:
                until = start + errand.limits.seconds * stages(errand) + GRACE
                in_time = converse(ours, payload, until, receive)
            finally:
                warden.kill()
                warden.wait()
            seconds = monotonic() - start
            faults.seek(0)
            complaint = faults.read(2_000).decode(errors="replace").strip()
        reply = Reply(bytes(received), word)
        if not reply.done:
            end_processes(folder)
        if cancelled.is_set():
            return reply.ran(errand, seconds, cancelled=True)
        if not reply.begun:
            raise SandboxFault(f"the errand could not be started in {self._base}: {reply.fault() or complaint}")
        return reply.ran(errand, seconds, False) if in_time else broken("timeout", "no report in time", seconds)

    def _start(self, folder: Path, env: dict[str, str], theirs: socket.socket, faults: int) -> subprocess.Popen[bytes]:
        end = theirs.fileno()
        try:
            return subprocess.Popen(
                warden_command([self._python]),
                stdin=end,
                stdout=end,
                stderr=faults,
                env=env,
                cwd=folder,
                start_new_session=True,
            )
        except OSError as error:
            raise SandboxFault(f"no process can be started: {error.strerror}; use fewer slots") from error

    def identity(self, image: str | None) -> str:
        if image is not None:
            raise SandboxFault(NO_IMAGES)
        return f"local:{sys.implementation.cache_tag}-{sys.platform}"

    def cancel(self, job: JobId | None = None) -> None:
        self._running.cancel(job)

    def reap(self) -> int:
        left = {path for path in self._base.glob(self._run + "*") if not path.name.startswith(self._prefix)}
        for folder in left:
            if folder.is_dir() and not folder.is_symlink() and folder.stat().st_uid == os.getuid():
                end_processes(folder)
                remove(folder)
        return len(left)

    def close(self) -> None:
        """Nothing is held open."""


def end_processes(folder: Path) -> None:
    """Kill every process of this user that was started with a home below `folder`, until there is none."""
    marker = f"HOME={folder}/".encode()
    while True:
        found = False
        for process in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                if marker in (process / "environ").read_bytes():
                    os.kill(int(process.name), signal.SIGKILL)
                    found = True
        if not found:
            return


def remove(folder: Path) -> None:
    """Remove `folder` even if its owner may not list it or it is too deep for paths. Raises `SandboxFault`."""
    try:
        shutil.rmtree(folder)
    except (OSError, RecursionError):
        subprocess.run(["chmod", "-R", "u+rwx", "--", folder], check=False, capture_output=True)
        done = subprocess.run(["rm", "-rf", "--", folder], check=False, capture_output=True)
        if done.returncode:
            reason = done.stderr.decode(errors="replace")[:300]
            raise SandboxFault(f"{folder} cannot be removed: {reason}") from None
