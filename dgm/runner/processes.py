"""The agent's processes: started apart from ours, and ended to the last one.

Invariant: when `end` returns, no process that came from here is alive, on Linux also those that detached themselves.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress

SUBREAPER, DUMPABLE = 36, 4
"""Options of prctl(2)."""


def shield() -> None:
    """Where the system can do it: other processes of this user cannot read our memory, and orphans become ours."""
    _prctl(DUMPABLE, 0)
    _prctl(SUBREAPER, 1)


def _prctl(option: int, value: int) -> None:
    if sys.platform != "linux":
        return
    try:
        import ctypes

        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)
    except (ImportError, OSError, AttributeError):
        return


def start(command: list[str], folder: str, env: dict[str, str]) -> subprocess.Popen[bytes]:
    """Its output and errors come through `stdout`; it has no input and no terminal. Raises `OSError`."""
    return subprocess.Popen(
        command,
        cwd=folder,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


def end(process: subprocess.Popen[bytes]) -> None:
    """Kill `process` and all that it has started."""
    while True:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        left = _below(os.getpid())
        for one in left:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(one, signal.SIGKILL)
        process.poll()
        _reap(process.pid)
        if not left and process.returncode is not None:
            return
        time.sleep(0.01)


def _reap(but: int) -> None:
    """Take note of the ends of orphans that became ours."""
    for one in _below(os.getpid(), dead=True):
        if one != but:
            with suppress(ChildProcessError):
                os.waitpid(one, os.WNOHANG)


def _below(ancestor: int, dead: bool = False) -> list[int]:
    """The living (or the dead and not yet reaped) processes below `ancestor`, where there is a /proc to tell."""
    parents = {}
    try:
        found = [int(name) for name in os.listdir("/proc") if name.isdigit()]
    except OSError:
        return []
    for one in found:
        try:
            with open(f"/proc/{one}/stat", "rb") as file:
                state, parent = file.read().rpartition(b")")[2].split()[:2]
        except (OSError, ValueError):
            continue
        parents[one] = (int(parent), state in b"ZX")
    below, wanted = {ancestor}, []
    while more := {one for one, (parent, _) in parents.items() if parent in below} - below:
        below |= more
        wanted += [one for one in more if parents[one][1] == dead]
    return wanted
