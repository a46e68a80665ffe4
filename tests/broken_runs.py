"""Break the small run at each of its system calls that change the disk, each time in a fresh folder.

`python broken_runs.py FOLDER WAY EVERY` goes through every EVERYth call. WAY is what happens there: `before` and
`after`: killed; `torn`: killed with half of the data written; `once` and `on`: the disk is full, for this call or from
here on. Call K leaves the run in FOLDER/K, and what it said in FOLDER/K.said.
"""

import errno
import os
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from dgm.durable import NotWritten
from tests import small_run

CALLS = ("write", "fsync", "rename", "mkdir", "unlink", "ftruncate", "pwrite")


class Breaking:
    """Counts the calls of this process, and breaks the one numbered `point`."""

    def __init__(self, way: str, point: int) -> None:
        self.way = way
        self.left = point
        for name in CALLS:
            setattr(os, name, self.around(getattr(os, name), name))

    def around(self, call: Callable[..., Any], name: str) -> Callable[..., Any]:
        def broken(*args: Any, **kwargs: Any) -> Any:
            self.left -= 1
            if self.left > 0 or (self.left < 0 and self.way != "on"):
                return call(*args, **kwargs)
            match self.way:
                case "once" | "on":
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                case "after":
                    call(*args, **kwargs)
                case "torn" if name == "write":
                    call(args[0], args[1][: len(args[1]) // 2])
            os.kill(os.getpid(), signal.SIGKILL)

        return broken


def run(path: Path, way: str, point: int) -> int:
    """0: it came to its end before the point. 1: it was hit, and stopped with a clear error or did not mind."""
    write, said = os.write, os.open(f"{path}.said", os.O_WRONLY | os.O_CREAT)
    breaking = Breaking(way, point)

    def say(line: str) -> None:
        write(said, f"{line}\n".encode())

    try:
        small_run.drive(path, say)
    except NotWritten:
        return 1
    return 0 if breaking.left > 0 else 1


def main() -> None:
    folder, way, every = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    point, code = 1, -1
    while code != 0:
        child = os.fork()
        if not child:
            code = 2
            try:
                code = run(folder / str(point), way, point)
            except BaseException:
                traceback.print_exc()
            os._exit(code)
        _, status = os.waitpid(child, 0)
        code = os.waitstatus_to_exitcode(status)
        assert code in (0, 1, -signal.SIGKILL), f"the run that was broken at call {point} ended with {code}"
        point += every


if __name__ == "__main__":
    main()
