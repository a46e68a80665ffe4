"""What the archive and the loop cost by themselves, printed beside what the disk or the ideal costs in the same run.

usage: python analysis/scale.py [--agents 10000] [--results 100000] [--slots 200]
"""

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

from dgm.archive import Archive, Reader
from dgm.config import PolicyConfig
from dgm.events import AgentBorn, AnyEvent, JobStarted, RunConfigured, TaskScored
from dgm.executors import Threads
from dgm.files import File
from dgm.flight import Flight
from dgm.jobs import Evaluate, Expand, Rewrite, Usage
from dgm.log import LogReader, LogWriter, sealed, whole
from dgm.machine import run, stream
from dgm.policies.hgm import HGM
from dgm.testing import World, numbered
from dgm.tree import Tree

TASKS = tuple(f"starter/task-{n:03}" for n in range(100))
POLICY = HGM(10**9, PolicyConfig())


def history(agents: int, results: int) -> Iterator[AnyEvent]:
    """The log of a run: each child has one of the latest 400 agents as its parent, results go to the latest 3,000."""
    rng = Random(1)
    yield RunConfigured(1.0, "0", {}, TASKS, "v")
    ids = [f"{n:040x}" for n in range(agents)]
    left = [set(TASKS) for _ in ids]
    yield AgentBorn(1.0, ids[0], ids[0])
    job = 1
    usage = Usage(0.1, 3, 4000, 1000, 20.5)
    for n in range(agents):
        if n:
            parent = ids[rng.randrange(max(0, n - 400), n)]
            yield JobStarted(float(n), job, Expand(parent, TASKS[0]))
            yield AgentBorn(float(n), ids[n], ids[n], parent, job, "a summary of what was changed", usage)
            job += 1
        for _ in range(results // agents):
            agent = rng.randrange(max(0, n - 3000), n + 1)
            while not left[agent]:
                agent = rng.randrange(max(0, n - 3000), n + 1)
            task = rng.choice(sorted(left[agent]))
            left[agent].remove(task)
            yield JobStarted(float(n), job, Evaluate(ids[agent], task))
            yield TaskScored(float(n), job, rng.random() < 0.4, usage)
            job += 1


def written(folder: Path, agents: int, results: int) -> Path:
    """A run's folder with that history; its agents have no commits, which reading the log does not need."""
    folder.mkdir(parents=True)
    (folder / "events.log").write_bytes(whole(map(sealed, history(agents, results))))
    return folder


def median_ms(function: Callable[[], object], times: int) -> float:
    def once() -> float:
        begun = time.perf_counter()
        function()
        return 1000 * (time.perf_counter() - begun)

    return statistics.median(once() for _ in range(times))


def fsync_ms(folder: Path, times: int = 100) -> float:
    """A bare append and fsync of 300 bytes: what no log can beat."""
    handle = os.open(folder / "bare", os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def once() -> None:
        os.write(handle, b"x" * 300)
        os.fsync(handle)

    once()
    try:
        return median_ms(once, times)
    finally:
        os.close(handle)


def choosing(tree: Tree, times: int = 200) -> float:
    """Choose a job and start it, so that each choice meets a changed tree; the time is that of the choice alone."""
    costs = []
    for _ in range(times):
        begun = time.perf_counter()
        job = POLICY(tree, stream(0, tree))
        costs.append(1000 * (time.perf_counter() - begun))
        assert job is not None
        tree.apply(JobStarted(1.0, tree.next_job, job))
        if isinstance(job, Evaluate):
            tree.apply(TaskScored(1.0, tree.next_job - 1, True))
        else:
            agent = f"{len(tree.agents):040x}"
            tree.apply(AgentBorn(1.0, agent, agent, job.agent, tree.next_job - 1))
    return statistics.median(costs)


def recording(folder: Path, tree: Tree) -> tuple[float, float]:
    """A started and a scored job, through the real log: (ms a record, ms of a bare fsync in the same seconds)."""
    reader = LogReader(folder / "events.log")
    for _ in reader.events():
        pass
    writer = LogWriter(reader)
    jobs = [Evaluate(a.id, task) for a in list(tree.agents.values())[-40:] for task in tree.untried(a)[:3]][:60]
    costs, bare = [], []
    for job in jobs:
        for event in (JobStarted(1.0, tree.next_job, job), None):
            event = event or TaskScored(1.0, tree.next_job - 1, True, Usage(0.1, 3, 4000, 1000, 20.5))
            begun = time.perf_counter()
            text = sealed(event)
            tree.apply(event)
            writer.append(text)
            costs.append(1000 * (time.perf_counter() - begun))
            bare.append(fsync_ms(folder, 1))
    writer.close()
    return statistics.median(costs), statistics.median(bare)


def committing(folder: Path, times: int = 40) -> tuple[float, float, float]:
    """A child of five files, one changed: (ms a birth, fsyncs it does, ms that as many bare fsyncs take)."""
    source = {f"part{n}.py": File(f"# {n}\n".encode() * 300) for n in range(4)} | numbered(0.1)
    with Archive(folder) as archive:
        archive.configure(RunConfigured(1.0, "0", {}, TASKS, "v"))
        parent = archive.seed(source)
        births = []
        real, count = os.fsync, 0

        def counted(handle: int) -> None:
            nonlocal count
            count += 1
            real(handle)

        os.fsync = counted
        try:
            for n in range(times):
                job = archive.start(Expand(parent))
                child = {**source, "part0.py": File(f"# child {n}\n".encode() * 300)}
                begun, before = time.perf_counter(), count
                archive.finish(job.id, Rewrite(child, "a change"))
                births.append((1000 * (time.perf_counter() - begun), count - before))
        finally:
            os.fsync = real
    fsyncs = statistics.median(n for _, n in births)
    return statistics.median(ms for ms, _ in births), fsyncs, fsyncs * fsync_ms(folder)


def throughput(folder: Path, slots: int, jobs: int) -> tuple[float, float]:
    """(share of the ideal throughput, seconds from the last job's end to the loop's) with heavy-tailed durations."""
    ends: list[float] = []
    busy: list[float] = []

    class Timed(World):
        def do(self, assignment):  # type: ignore[no-untyped-def]
            begun = time.perf_counter()
            outcome = super().do(assignment)
            ends.append(time.perf_counter())
            busy.append(ends[-1] - begun)
            return outcome

    tasks = tuple(f"toy/{n}" for n in range(1000))
    with Archive(folder) as archive:
        archive.configure(RunConfigured(1.0, "0", {}, tasks, "v"))
        archive.seed(numbered(0.3))
        world = Timed(archive, seconds=lambda rng: min(0.5 * rng.paretovariate(1.3), 30.0))
        policy = HGM(jobs, PolicyConfig(seed_evaluations=0, warm_start=0))
        begun = time.perf_counter()
        steady: list[float] = []

        def measured(tree: Tree, rng):  # type: ignore[no-untyped-def]
            job = policy(tree, rng)
            if job is None and not steady:
                steady.append(time.perf_counter())  # from here on the budget, not the loop, leaves slots empty
            return job

        run(archive, measured, Flight(world, Threads()), slots)
        ended = time.perf_counter()
    until = steady[0] if steady else ended
    used = sum(
        min(end, until) - max(end - took, begun) for end, took in zip(ends, busy, strict=True) if end - took < until
    )
    return used / (slots * (until - begun)), ended - max(ends)


def cpu_seconds(*command: str) -> float:
    """CPU seconds of a process; the least of three, as the machine may be shared."""

    def once() -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    return min(once() for _ in range(3))


def opened(folder: str) -> None:
    """Open an archive in a process of its own and say what that took."""
    begun = time.perf_counter()
    tree = Reader(Path(folder)).tree
    seconds = time.perf_counter() - begun
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{seconds:.2f} {used:.0f} {tree.evaluations}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--agents", type=int, default=10_000)
    parser.add_argument("--results", type=int, default=100_000)
    parser.add_argument("--slots", type=int, default=200)
    parser.add_argument("--opened", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.opened:
        return opened(args.opened)
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch)
        for agents in [n for n in (100, 1000) if n < args.agents] + [args.agents]:
            folder = written(place / f"run-{agents}", agents, args.results * agents // args.agents)
            tree = Reader(folder).tree
            choose = choosing(Reader(folder).tree)
            record, bare = recording(folder, tree)
            print(
                f"{agents:>6} agents, {tree.evaluations:>7} results:  choose {choose:.2f} ms   "
                f"record {record:.2f} ms, of which a bare fsync takes {bare:.2f} ms ({record - bare:+.2f})"
            )
        command = [sys.executable, __file__, "--opened", str(folder)]
        answer = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
        print(f"open the last one: {answer[0]} s, {answer[1]} MB")
        birth, fsyncs, floor = committing(place / "births")
        print(f"birth of a child: {birth:.1f} ms; {fsyncs:.0f} bare fsyncs take {floor:.1f} ms ({birth - floor:+.1f})")
        share, tail = throughput(place / "loop", args.slots, args.slots * 20)
        print(f"{args.slots} slots, heavy-tailed jobs: {share:.1%} of the ideal; ends {tail:.2f} s after its last job")
        python = [sys.executable, "-m", "dgm"]
        print(f"dgm --help: {cpu_seconds(*python, '--help'):.2f} s of CPU")
        print(f"dgm status on the last one: {cpu_seconds(*python, 'status', '--archive', str(folder)):.2f} s of CPU")


if __name__ == "__main__":
    main()
