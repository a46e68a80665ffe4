"""Commands as processes of their own, forked from one that has imported all that they need: importing takes longer
than most of them. `python -m tests.cli.forks` is that process; it reads a request a line, and answers with exit codes.

Invariant: it has one thread, and does nothing but fork, so that every command begins in the same state.
"""

import importlib
import io
import json
import os
import subprocess
import sys
from contextlib import redirect_stdout, suppress
from pathlib import Path

import dgm
from dgm.cli import main
from dgm.cli.commands import app

LATE = (
    *("cli.checking", "cli.closing", "cli.driving", "cli.planning", "cli.preparing", "cli.setting"),
    *("doctor", "git", "llm.scripted", "policies.hgm", "run", "sandbox.local"),
)
"""What commands import late. Neither `docker` nor `litellm`: few need them, and they start threads."""


class Forks:
    """The process that forks, started at the first command."""

    def __init__(self) -> None:
        self._server: subprocess.Popen[str] | None = None

    def run(self, words: list[str], cwd: Path, env: dict[str, str], out: Path, err: Path) -> int:
        """The exit code of a command, whose output is written to two files."""
        if self._server is None:
            command = [sys.executable, "-m", "tests.cli.forks"]
            home = Path(__file__).parents[2]
            self._server = subprocess.Popen(
                command,
                cwd=home,
                env=os.environ | {"OPENBLAS_NUM_THREADS": "1"},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                bufsize=1,
            )
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        request = {"words": words, "cwd": str(cwd), "env": env, "out": str(out), "err": str(err)}
        self._server.stdin.write(json.dumps(request) + "\n")
        return int(self._server.stdout.readline())

    def close(self) -> None:
        if self._server is not None:
            self._server.communicate(timeout=60)


def become(words: list[str], cwd: str, env: dict[str, str], out: str, err: str) -> None:
    """What a new interpreter would be that was told to run the command."""
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    for number, path in ((0, os.devnull), (1, out), (2, err)):
        file = os.open(path, os.O_RDWR | os.O_APPEND)
        os.dup2(file, number)
        os.close(file)
    encoding = env.get("PYTHONIOENCODING", "utf-8")
    for stream in (sys.stdout, sys.stderr):
        assert isinstance(stream, io.TextIOWrapper)
        stream.reconfigure(encoding=encoding, line_buffering=False)
    sys.argv = [str(Path(dgm.__file__).with_name("__main__.py")), *words]
    main()


def serve() -> None:
    for name in LATE:
        importlib.import_module(f"dgm.{name}")
    importlib.import_module("numpy")
    # What reads a command line imports more once there is something to read.
    with redirect_stdout(io.StringIO()), suppress(SystemExit):
        app(["config", os.devnull])
    for line in sys.stdin:
        child = os.fork()
        if not child:
            become(**json.loads(line))
            return
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


if __name__ == "__main__":
    serve()
