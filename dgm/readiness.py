"""Whether tasks can be trusted on this machine: found out once, by grading what must and what must not pass.

Invariant: a finding is about one task, as it is, in one content of its image and under one set of limits; what the
environment did wrong is never a finding.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from hashlib import sha256
from pathlib import Path
from threading import Event
from typing import Literal

import msgspec
from msgspec import Struct

from dgm.cache import cache_folder, keep
from dgm.config import Config
from dgm.files import File
from dgm.jobs import TaskId
from dgm.protocols import Benchmark, Cancelled, Grade, Patch, Sandbox, SandboxFault
from dgm.sandbox import Unavailable
from dgm.store import load

BYSTANDER = Patch({"untouched.txt": File(b"This file changes nothing.\n")})
"""The untouched state for a benchmark that does not even look at an empty patch."""
REASON_CHARS = 400
REPORT_CHARS = 140
"""Of the end of a report, where it says what failed: as much as a line of a table or of progress can hold."""
LOOK = 0.5
"""Seconds between two looks at what is under way."""
QUIET = 60
"""So many looks without anything found out are worth a word."""
Fetch = Callable[[str | None, Event], object]
Say = Callable[[str, list[TaskId]], None]
"""Told what is done, `still at` or `ending`, and with which tasks."""


class Finding(Struct, frozen=True):
    """What was found out about a task.

    sound: it may be scored · ceiling: its reference is graded unsolved · floor: the untouched state is graded solved ·
    flicker: the same patch is graded now so, now otherwise · unavailable: its image cannot be had.
    """

    task: TaskId
    kind: Literal["sound", "ceiling", "floor", "flicker", "unavailable"]
    reason: str = ""
    times: int = 0
    """How often each patch was graded."""
    reference: bool = True
    """Whether there is a reference, without which nobody knows that the task can be solved."""

    @property
    def unfit(self) -> str:
        """Why it may not be scored; empty if it may."""
        if self.kind == "sound":
            return ""
        return f"{'not available' if self.kind == 'unavailable' else self.kind}: {self.reason}"


class Findings:
    """All that this machine knows about the tasks of `benchmark` in `sandbox`. Thread-safe."""

    def __init__(self, benchmark: Benchmark, sandbox: Sandbox, config: Config) -> None:
        self.benchmark, self.sandbox = benchmark, sandbox
        self._terms = msgspec.json.encode((config.grading, config.sandbox.python, config.sandbox.runtime))

    def find(self, task: TaskId) -> Finding | None:
        """The finding on `task` as it is now. Raises `OSError` for a cache that cannot be read."""
        found = load(self._path(task), Finding)
        return found if found is not None and found.task == task else None

    def keep(self, finding: Finding) -> None:
        """Raises `OSError`."""
        keep(self._path(finding.task), finding)

    def unfit(self, tasks: Iterable[TaskId]) -> dict[TaskId, str]:
        """Those of `tasks` that are known to be unfit, with the reason."""
        found = {task: self.find(task) for task in tasks}
        return {task: finding.unfit for task, finding in found.items() if finding is not None and finding.unfit}

    def unknown(self, tasks: Iterable[TaskId]) -> list[TaskId]:
        """Those of `tasks` that nothing is known of."""
        return [task for task in tasks if self.find(task) is None]

    def _path(self, task: TaskId) -> Path:
        image = self.benchmark.task(task).image
        try:
            content = self.sandbox.identity(image)
        except SandboxFault:
            content = f"no {image}"
        key = "\n".join((content, self.benchmark.fingerprint(task), task)).encode() + self._terms
        return cache_folder() / "tasks" / f"{sha256(key).hexdigest()[:32]}.json"


def prepare(
    findings: Findings,
    tasks: Iterable[TaskId],
    fetch: Fetch,
    times: int,
    slots: int,
    again: bool = False,
    say: Say = lambda what, tasks: None,
) -> Iterator[tuple[TaskId, Finding | SandboxFault]]:
    """Find out about `tasks`, `slots` at once: what was found about each, or the fault that kept it from being found.

    `fetch` makes an image be here, unless it is cancelled; it raises `SandboxFault`, `Unavailable` if that can never
    be. `times`: how often each patch is graded at least; `again`: whatever is known; `say` is told now and then
    what is under way while nothing is found out, and what is ended early. Closing the iterator ends what is under way.
    """
    stop = Event()
    order = sorted(tasks, key=lambda task: findings.benchmark.task(task).image or "")
    with ThreadPoolExecutor(slots) as pool:
        left: dict[Future[Finding], TaskId] = {}
        quiet = 0
        try:
            for task in order:
                left[pool.submit(find_out, findings, task, fetch, times, again, stop)] = task
            while left:
                # A signal that comes right before a wait without end would not be seen.
                done, _ = wait(left, timeout=LOOK, return_when=FIRST_COMPLETED)
                quiet = 0 if done else quiet + 1
                if quiet and quiet % QUIET == 0:
                    say("still at", running(left))
                for future in done:
                    task, error = left.pop(future), future.exception()
                    if isinstance(error, SandboxFault):
                        yield task, error
                    else:
                        yield task, future.result()
        finally:
            stop.set()
            if ending := running(left):
                say("ending", ending)
            pool.shutdown(wait=False, cancel_futures=True)
            while not all(future.done() for future in left):
                # Again and again: a task may begin its next grading in the meantime.
                findings.sandbox.cancel()
                wait(left, timeout=0.2)


def running(left: Mapping[Future[Finding], TaskId]) -> list[TaskId]:
    return [task for future, task in left.items() if future.running()]


def find_out(findings: Findings, task: TaskId, fetch: Fetch, times: int, again: bool, stop: Event) -> Finding:
    """What is known about `task`, or else is found now, and kept. Raises `SandboxFault`."""
    try:
        fetch(findings.benchmark.task(task).image, stop)
        known = findings.find(task)
        if known is not None and known.times >= times and not again:
            return known
        # What few trials show must not replace what more of them have shown.
        found = examine(findings.benchmark, task, findings.sandbox, max(times, known.times if known else 0), stop)
    except Unavailable as error:
        found = Finding(task, "unavailable", said(str(error)))
    findings.keep(found)
    return found


def examine(benchmark: Benchmark, task: TaskId, sandbox: Sandbox, times: int = 2, stop: Event = Event()) -> Finding:
    """Grade the reference, the untouched state and an empty patch, each so many times, until `stop` is set.

    Raises `SandboxFault`, `Cancelled`, and `KeyError` for an unknown task.
    """
    reference = benchmark.reference(task)

    def found(
        kind: Literal["sound", "ceiling", "floor", "flicker"], what: str = "", grade: Grade | None = None
    ) -> Finding:
        return Finding(task, kind, said(what, grade.report if grade else ""), times, reference is not None)

    trials = (
        ("the reference", reference, True),
        ("the untouched state", BYSTANDER, False),
        ("an empty patch", Patch(), False),
    )
    for name, patch, solved in trials:
        if patch is None:
            continue
        grades = [graded(benchmark, task, patch, sandbox, stop) for _ in range(times)]
        wrong = [grade for grade in grades if grade.solved != solved]
        told = f"{name} is graded {'unsolved' if solved else 'solved'} {len(wrong)} of {times} times"
        if wrong and len(wrong) < times:
            return found("flicker", told, wrong[0])
        if wrong:
            return found("ceiling" if solved else "floor", told, wrong[0] if solved else None)
    return found("sound", "" if reference else "no reference: whether it can be solved is not known")


def graded(benchmark: Benchmark, task: TaskId, patch: Patch, sandbox: Sandbox, stop: Event) -> Grade:
    if stop.is_set():
        raise Cancelled("cancelled before it was found out")
    return benchmark.grade(task, patch, sandbox, 0)


def said(what: str, report: str = "") -> str:
    """`what`, and the end of a report, as one line."""
    line, end = " ".join(what.split()), " ".join(report[-2_000:].split())
    if end:
        line += f": {end}" if len(end) <= REPORT_CHARS else f": ... {end[-REPORT_CHARS:]}"
    return line if len(line) <= REASON_CHARS else f"{line[:150]} ... {line[150 - REASON_CHARS :]}"
