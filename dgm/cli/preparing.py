"""`prepare`: gets the images that a benchmark needs, and finds out which of its tasks can be trusted on this machine.

Invariant: it checks what a run with the same settings would use, in the same sandbox, and costs no money.
"""

import sys
from collections import Counter
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from threading import Event
from typing import Any, TextIO

from msgspec import Struct
from msgspec.structs import replace

from dgm.benchmarks import is_proven, open_benchmark
from dgm.cli import setting
from dgm.cli.advising import prepare_again, run_next
from dgm.cli.failing import ERROR, UNFIT
from dgm.config import Config, ConfigError
from dgm.jobs import TaskId
from dgm.protocols import Benchmark, Cancelled, Sandbox, SandboxFault
from dgm.readiness import Fetch, Finding, Findings, prepare
from dgm.run import slots_of
from dgm.sandbox import open_sandbox, own_id, tidied
from dgm.selection import check_names, choose, listed
from dgm.text import clip, count, fold, note, out, out_json, plain, styled

STYLE = {"sound": "green", "unprepared": "red"}


class Row(Struct, frozen=True):
    """A task. `state`: sound, ceiling, floor, flicker, unavailable, or unprepared where the environment kept it from
    being found out; `reference`: whether it has one; `image`: the one it names; `times`: how often each patch was
    graded."""

    task: TaskId
    state: str
    reason: str
    reference: bool
    image: str | None
    times: int


def prepare_benchmark(
    name: str | None,
    path: Path | None,
    overrides: list[str],
    tasks: list[str],
    limit: int | None,
    times: int,
    again: bool,
    as_json: bool,
) -> None:
    """Exits with `UNFIT` where no task is usable, with `ERROR` where some could not be looked at."""
    config = meant(setting.load(path, overrides, name), name, overrides)
    check_names(config.run)
    benchmark = open_benchmark(config.run.benchmark, config.grading)
    source = getattr(benchmark, "source", "")
    if source:
        note(f"Tasks: {plain(source)}.")
    named = listed("--tasks", tasks, benchmark) if tasks else None
    stop = Event()
    try:
        default_image(config, benchmark, stop)
        sandbox = open_sandbox(config.sandbox, own_id("prepare"), config.simulated)
        with closing(sandbox), tidied(sandbox, "preparing"):
            note(f"Sandbox: {sandbox.name}{f' ({sandbox.note})' if sandbox.note else ''}.")
            sandbox.check()
            findings = Findings(benchmark, sandbox, config)
            rows = found(findings, config, named, limit, fetching(sandbox, benchmark), times, again)
            missing = left(findings, config, rows) if named or limit else 0
    finally:
        stop.set()
    if as_json:
        counts = Counter(row.state for row in rows)
        what = {"benchmark": benchmark.name, "version": benchmark.version, "source": source}
        out_json({**what, "counts": counts, "tasks": rows})
    else:
        # A terminal has had its line for each task as it was found out.
        out(*([] if both_terminals() else table(rows)), *fold([last_line(rows)], 4))
    sys.stdout.flush()
    parts = [word for task in tasks for word in ("--tasks", task)] + (["--limit", str(limit)] if limit else [])
    note(next_words(rows, missing, name, path, overrides, parts))
    if not any(row.state == "sound" for row in rows):
        note("dgm: no task is usable on this machine.")
        sys.exit(UNFIT)
    if any(row.state == "unprepared" for row in rows):
        sys.exit(ERROR)


def meant(config: Config, name: str | None, overrides: Iterable[str]) -> Config:
    """The settings for the benchmark `name`. What a file says about the tasks of another one does not count."""
    if name is None or name == config.run.benchmark:
        return config
    said = {override.partition("=")[0].strip() for override in overrides}
    every: dict[str, Any] = {"tasks": 0, "subset": "", "held_out": 0}
    unsaid = {key: value for key, value in every.items() if f"run.{key}" not in said}
    return replace(config, run=replace(config.run, benchmark=name, **unsaid))


def default_image(config: Config, benchmark: Benchmark, stop: Event) -> None:
    """Get the image of agents, and of tasks that name none; what it means where that fails, the sandbox says."""
    if config.sandbox.kind == "local":
        return
    from dgm.sandbox.docker import DockerSandbox

    docker = DockerSandbox("prepare", config.sandbox)
    try:
        fetching(docker, benchmark)(config.sandbox.image, stop)
    except SandboxFault as fault:
        note(f"The image {config.sandbox.image} of agents: {plain(str(fault))}")
    finally:
        docker.close()


def fetching(sandbox: Sandbox, benchmark: Benchmark) -> Fetch:
    """How `sandbox` gets an image."""
    if sandbox.name != "docker":
        return lambda image, stop: sandbox.identity(image)
    from dgm.sandbox.docker import DockerSandbox

    assert isinstance(sandbox, DockerSandbox)
    sandbox.images.say = lambda text: note(plain(text))
    recipes = getattr(benchmark, "recipes", {})
    return lambda image, stop: image and sandbox.fetch(image, recipes.get(image), stop)


def found(
    findings: Findings,
    config: Config,
    named: list[TaskId] | None,
    limit: int | None,
    fetch: Fetch,
    times: int,
    again: bool,
) -> list[Row]:
    """Find out about the tasks that are named, or else about those that a run would select once these are known."""
    rows: dict[TaskId, Row] = {}
    unfit: set[TaskId] = set()

    def say(what: str, tasks: list[TaskId]) -> None:
        note(f"[{len(rows)} of {ahead}] {what} {plain(', '.join(tasks))}")

    while wanted := [task for task in named or selection(config, findings.benchmark, unfit) if task not in rows][
        :limit
    ]:
        ahead = len(rows) + len(wanted)
        for task, what in prepare(findings, wanted, fetch, times, slots_of(config), again, say):
            rows[task] = row(findings.benchmark, task, what)
            if isinstance(what, Finding) and what.unfit:
                unfit.add(task)
            note(*fold([f"[{len(rows)} of {ahead}] {line(rows[task], stream=sys.stderr)}"], 4, sys.stderr))
        if limit is not None:
            break
    return sorted(rows.values(), key=lambda one: one.task)


def selection(config: Config, benchmark: Benchmark, unfit: set[TaskId]) -> Iterable[TaskId]:
    try:
        chosen = choose(config.run, benchmark, unfit)
    except ConfigError:
        if not unfit:
            raise
        return ()  # Too few are left, as the last line will say.
    return (*chosen.tasks, *chosen.held_out)


def left(findings: Findings, config: Config, rows: list[Row]) -> int:
    """How many tasks still keep a run from starting."""
    if config.run.unprepared or is_proven(config.run.benchmark):
        return 0
    unfit = {one.task for one in rows if one.state not in ("sound", "unprepared")}
    return len(findings.unknown(selection(config, findings.benchmark, unfit)))


def row(benchmark: Benchmark, task: TaskId, what: Finding | SandboxFault) -> Row:
    image = benchmark.task(task).image
    if isinstance(what, Finding):
        return Row(task, what.kind, what.reason, what.reference, image, what.times)
    reason = "cancelled" if isinstance(what, Cancelled) else str(what)
    return Row(task, "unprepared", reason, benchmark.reference(task) is not None, image, 0)


def table(rows: list[Row]) -> list[str]:
    widest = max((len(one.task) for one in rows), default=0)
    return fold([line(one, widest) for one in rows], 13)


def line(one: Row, widest: int = 0, stream: TextIO | None = None) -> str:
    state = styled(f"{one.state:<11}", STYLE.get(one.state, "yellow"), stream)
    return f"{state}  {plain(one.task):<{widest}}  {clip(one.reason, 300)}".rstrip()


def both_terminals() -> bool:
    return sys.stdout.isatty() and sys.stderr.isatty()


def last_line(rows: list[Row]) -> str:
    states = Counter(row.state for row in rows)
    bad = sum(states[kind] for kind in ("ceiling", "floor", "flicker"))
    return (
        f"{count(len(rows), 'task')}: {states['sound']} sound, {bad} quarantined, {states['unavailable']} not "
        f"available, {states['unprepared']} left unprepared."
    )


def next_words(
    rows: list[Row], missing: int, name: str | None, path: Path | None, overrides: list[str], parts: list[str]
) -> str:
    """What to type next. `missing`: tasks that a run needs beside `rows`, which `parts` of the command have named."""
    if any(row.state == "unprepared" for row in rows):
        return f"To find out about the rest: {prepare_again(name, path, overrides, parts)}"
    if not any(row.state == "sound" for row in rows):
        return "Nothing is usable; the reasons stand above."
    if missing:
        return f"A run needs {count(missing, 'more task')}: {prepare_again(name, path, overrides)}"
    return f"Next: {run_next(name, path, overrides)}"
