"""Archives to look at, and the command line as a process of its own."""

import io
import os
import shlex
import subprocess
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import NamedTuple

from dgm.archive import LOG, Archive
from dgm.cli.commands import app
from dgm.config import Config
from dgm.events import AgentBorn, AnyEvent, JobStarted, RunConfigured, encode
from dgm.files import File, Files
from dgm.jobs import Evaluate, Expand, Failure, Rewrite, Usage, Verdict
from dgm.ledger import Ledger
from dgm.log import whole
from dgm.settings import resolved
from tests.cli.forks import Forks

TASKS = tuple(f"toy/{n}" for n in range(6))
HOSTILE = "better \x1b[2J\x1b]0;owned\x07 \u202eflow\u202c \x9b31m\nline two"
BUDGET = Config().run.evaluations
SECONDS = 60
NO_ENGINE = "unix:///nonexistent/docker.sock"


def environ(**more: str) -> dict[str, str]:
    """The environment of a process under test: no settings, no engine, no terminal."""
    gone = {name for name in os.environ if name.startswith("DGM_") and name != "DGM_CACHE"} | {"NO_COLOR", "COLUMNS"}
    kept = {name: value for name, value in os.environ.items() if name not in gone}
    kept["PYTHONPATH"] = str(Path(__file__).parents[2])
    return kept | {"DOCKER_HOST": NO_ENGINE, "PYTHONIOENCODING": "utf-8"} | more


class Told(NamedTuple):
    returncode: int
    stdout: str
    stderr: str


FORKS = Forks()


def dgm(*words: object, cwd: Path | None = None, **more: str) -> Told:
    """Run a command to its end, in a process of its own."""
    with NamedTemporaryFile() as out, NamedTemporaryFile() as err:
        code = FORKS.run([*map(str, words)], cwd or Path.cwd(), environ(**more), Path(out.name), Path(err.name))
        return Told(code, out.read().decode(), err.read().decode())


def look(*words: object) -> Told:
    """Run a command in this process, which is as true and much faster where neither environment nor signals count."""
    streams = [io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in range(2)]
    code: object = 0
    with redirect_stdout(streams[0]), redirect_stderr(streams[1]):
        try:
            app([*map(str, words)], prog_name="dgm")
        except SystemExit as end:
            code = end.code
    assert isinstance(code, int)
    out, err = (stream.detach().getvalue().decode() for stream in streams)  # type: ignore[attr-defined]
    return Told(code, out, err)


def source(n: int) -> Files:
    return {
        "start": File(b"echo %d\n" % n, executable=True),
        "main.py": File(b"# version %d \x1b[31mred\x1b[0m\nprint(%d)\n" % (n, n)),
        "blob.bin": File(bytes(range(256)) + b"%d" % n),
    }


def grow(folder: Path) -> list[str]:
    """A small run: a seed, its child and grandchild, results, failures, one running job. Returns the agents' ids."""
    with Archive(folder) as archive:
        archive.configure(RunConfigured(1e9, "0", resolved(Config()), TASKS, "v1"))
        seed = archive.seed(source(0))
        agents = [seed]
        for n in (1, 2):
            job = archive.start(Expand(agents[-1], TASKS[0] if n == 2 else None))
            born = archive.finish(job.id, Rewrite(source(n), HOSTILE, Usage(0.25, 2, 1000, 100, 3.0)))
            assert isinstance(born, AgentBorn)
            agents.append(born.agent)
        for n, agent in enumerate(agents):
            for task in TASKS[:4]:
                job = archive.start(Evaluate(agent, task))
                solved = int(task[-1]) < 2 * n
                archive.finish(
                    job.id,
                    Verdict(
                        solved,
                        Usage(0.01, 1, 100, 10, 1.0),
                        ("odd \x1b[1m", *(("probed:x",) if task == TASKS[0] else ())) if n == 2 else (),
                    ),
                )
        job = archive.start(Evaluate(seed, TASKS[4]))
        talk(archive.folder(job.id))
        archive.finish(job.id, Failure("infra", HOSTILE, Usage(seconds=2.0)))
        job = archive.start(Expand(seed))
        archive.finish(job.id, Failure("stillborn", "it is unchanged"))
        archive.start(Evaluate(seed, TASKS[5]))
    return agents


def talk(folder: Path) -> None:
    """A transcript with one hostile call."""
    ledger = Ledger(folder, durable=False)
    call = ledger.reserve(0.0, {"model": "m", "messages": [{"role": "user", "content": "hello \x1b[2J"}]})
    reply = {"choices": [{"message": {"role": "assistant", "content": "bye \x9b2J"}}]}
    ledger.settle(call, Usage(0.0, 1, 3, 4), 0.1, reply)
    ledger.close()


def chain(folder: Path, agents: int) -> None:
    """A log, without its git half, in which each agent is the child of the one before."""
    folder.mkdir()
    events: list[AnyEvent] = [RunConfigured(1e9, "0", {}, TASKS, "v1"), AgentBorn(1e9, f"{0:040x}", f"{0:040x}")]
    for n in range(1, agents):
        events.append(JobStarted(1e9, n, Expand(f"{n - 1:040x}")))
        events.append(AgentBorn(1e9, f"{n:040x}", f"{n:040x}", f"{n - 1:040x}", n, f"step {n}"))
    (folder / LOG).write_bytes(whole(map(encode, events)))


def on_terminal(command: list[str], columns: int) -> str:
    """What a command says on a terminal of so many columns: standard output and error as they come."""
    inside = f"stty cols {columns}; exec {shlex.join(command)}"
    done = subprocess.run(
        ["script", "-qec", inside, "/dev/null"],
        capture_output=True,
        timeout=SECONDS,
        check=False,
        env=environ(TERM="xterm"),
        stdin=subprocess.DEVNULL,
    )
    return done.stdout.decode().replace("\r\n", "\n")
