"""A tiny run for tests that kill it: three agents, two tasks each, and one job that fails.

`python small_run.py FOLDER` starts or resumes it, and prints a line for every job whose end is on record.
"""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from dgm.archive import Archive
from dgm.durable import NotWritten
from dgm.events import RunConfigured
from dgm.files import File, Files
from dgm.jobs import Evaluate, Expand, Failure, Job, Outcome, Rewrite, Usage, Verdict
from dgm.tree import Tree

TASKS = ("toy/one", "toy/two")
AGENTS = 3


@contextmanager
def memory(otherwise: Path) -> Iterator[Path]:
    """A folder in memory, where that is possible. The pace depends on the disk; what is there after a kill does not."""
    fast = Path("/dev/shm")
    with TemporaryDirectory(dir=fast if os.access(fast, os.W_OK) else otherwise) as name:
        yield Path(name)


def source(n: int) -> Files:
    return {"main.py": File(b"print(%d)\n" % n, executable=True), "lib/same.py": File(b"same = 1\n")}


def next_job(tree: Tree) -> Job | None:
    for agent in tree.agents.values():
        for task in TASKS:
            if task not in agent.results:
                return Evaluate(agent.id, task)
    return Expand(next(reversed(tree.agents)), TASKS[0]) if len(tree.agents) < AGENTS else None


def outcome(tree: Tree, job: Job) -> Outcome:
    usage = Usage(usd=0.25, calls=1)
    if isinstance(job, Expand):
        return Rewrite(source(len(tree.agents)), "Print another number", usage)
    if len(tree.agents) == 2 and not tree.failures["infra"]:
        return Failure("infra", "the engine is gone", usage)
    return Verdict(len(tree.agents) > 1, usage)


def drive(path: Path, say: Callable[[str], None]) -> None:
    with Archive(path) as archive:
        if not archive.tree.length:
            archive.configure(RunConfigured(at=1e9, version="0", config={}, tasks=TASKS, benchmark="toy"))
        say(f"seed {archive.seed(source(0))}")
        for job in list(archive.tree.running):
            archive.finish(job, Failure("interrupted", "the driver was killed"))
        while job := next_job(archive.tree):
            started = archive.start(job)
            (archive.folder(started.id) / "output").touch()
            event = archive.finish(started.id, outcome(archive.tree, job))
            say(f"{type(event).__name__} {started.id}")
            if isinstance(job, Expand):
                archive.mirror()
        if archive.tree.ended is None:
            archive.end(0, "finished")
        archive.mirror()


def aloud(line: str) -> None:
    os.write(1, f"{line}\n".encode())


if __name__ == "__main__":
    try:
        drive(Path(sys.argv[1]), aloud)
    except NotWritten as error:
        aloud(f"refused: {error}")
        sys.exit(1)
