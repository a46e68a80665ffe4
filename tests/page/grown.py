"""An archive of any size, log, git and artifacts, as a run with a real model would leave it; made in seconds.

`python -m tests.page.grown FOLDER AGENTS` writes one.
"""

import sys
from collections.abc import Iterator
from math import exp
from pathlib import Path
from random import Random

import msgspec

from dgm.archive import AGENTS, ARTIFACTS, LOG
from dgm.commits import message
from dgm.config import Config
from dgm.events import AgentBorn, AnyEvent, JobFailed, JobStarted, RunConfigured, TaskScored
from dgm.expand import Diagnosis
from dgm.files import File, Files, digest
from dgm.git import Repository
from dgm.jobs import Evaluate, Expand, Usage
from dgm.log import sealed, whole
from dgm.settings import resolved

WORDS = (
    "Run the visible tests before the work is handed in",
    "Show the model more of a long output before its middle is cut",
    "Ask for a plan of at most five steps before the first edit is made",
    "Keep a list of the files that were read, and do not read them again",
    "Retry a tool call that could not be parsed, with the error fed back to the model",
    "Search for the symbol in the repository before opening files one by one",
)


def grow(folder: Path, agents: int, tasks: int = 60, each: int = 10, seed: int = 1) -> None:
    """A run of so many agents, with about `each` results an agent, a quarter of the expansions stillborn."""
    folder.mkdir(parents=True)
    (folder / ARTIFACTS).mkdir()
    repository = Repository.create(folder / AGENTS)
    (folder / LOG).write_bytes(whole(map(sealed, events(folder, repository, agents, tasks, each, Random(seed)))))
    repository.close()


def events(folder: Path, repository: Repository, agents: int, tasks: int, each: int, rng: Random) -> Iterator[AnyEvent]:
    names = [f"swe/{'abcdefgh'[n % 8]}project-{1000 + 37 * n}" for n in range(tasks)]
    hard = {name: rng.gauss(0.3, 1.6) for name in names}
    config = resolved(Config())
    yield RunConfigured(1e9, "0", config, tuple(names), "v", held_out=("swe/sealed-1",))
    source = first()
    ids, sources, skills = [repository.commit(source, (), "seed", 1e9)], [source], [-1.0]
    yield AgentBorn(1e9, ids[0], digest(source))
    left = {0: list(names)}
    job, at = 0, 1e9

    def started(what: Expand | Evaluate) -> JobStarted:
        nonlocal job, at
        job, at = job + 1, at + rng.expovariate(1 / 40)
        return JobStarted(at, job, what)

    while len(ids) < agents:
        for _ in range(each):
            # Better agents are evaluated and expanded more often, as a search does it.
            n = max((rng.randrange(len(ids)) for _ in range(3)), key=lambda n: skills[n] + rng.gauss(0, 1))
            todo = left.setdefault(n, list(names))
            if not todo:
                continue
            task = todo.pop(rng.randrange(len(todo)))
            yield started(Evaluate(ids[n], task))
            solved = rng.random() < 1 / (1 + exp(hard[task] - skills[n]))
            usage = Usage(
                rng.expovariate(8), rng.randrange(5, 40), rng.randrange(9_000, 90_000), rng.randrange(900, 9_000), 90.0
            )
            yield TaskScored(at + 30, job, solved, usage, ("probed:tests",) if rng.random() < 0.01 else ())
        n = max((rng.randrange(len(ids)) for _ in range(4)), key=lambda n: skills[n] + rng.gauss(0, 0.8))
        yield started(Expand(ids[n], rng.choice(names)))
        thought(folder / ARTIFACTS / str(job), rng)
        usage = Usage(rng.expovariate(2), 30, 120_000, 12_000, 300.0)
        if rng.random() < 0.25:
            reason = rng.choice(("it is unchanged", "the smoke test ended by timeout after 30 s", "it has no `start`"))
            yield JobFailed(at + 60, job, "stillborn", reason, usage)
            continue
        source = edited(sources[n], rng, len(ids))
        summary = rng.choice(WORDS)
        ids.append(repository.commit(source, (ids[n],), message(summary, job), at))
        sources.append(source)
        skills.append(skills[n] + rng.gauss(-0.08, 0.3))
        yield AgentBorn(at + 60, ids[-1], digest(source), ids[n], job, summary, usage)


def first() -> Files:
    body = "".join(f"def step_{n}(state):\n    state.append({n})\n    return state\n\n\n" for n in range(60))
    return {
        "start": File(b"exec python3 main.py\n", True),
        "main.py": File(body.encode()),
        "tools/edit.py": File(b"# edit\n" * 40),
    }


def edited(source: Files, rng: Random, n: int) -> Files:
    lines = source["main.py"].text.split("\n")
    for _ in range(rng.randrange(1, 4)):
        place = rng.randrange(len(lines) - 6)
        lines[place : place + rng.randrange(4)] = [
            f"    note({rng.randrange(10**6)})  # {rng.choice(WORDS)}" for _ in range(rng.randrange(1, 9))
        ]
    return {**source, "main.py": File("\n".join(lines).encode()), "VERSION": File(b"%d\n" % n)}


def thought(folder: Path, rng: Random) -> None:
    folder.mkdir()
    words = rng.choice(WORDS)
    found = Diagnosis(
        "The agent stopped before its change was tested.", "It trusts its own edits.", words, f"{words}. " * 6
    )
    (folder / "diagnosis.json").write_bytes(msgspec.json.encode(found))


if __name__ == "__main__":
    grow(Path(sys.argv[1]), int(sys.argv[2]))
