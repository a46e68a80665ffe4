"""`log --grade`: a verdict with all that it rests on.

Invariant: shows what the job's folder holds, made harmless; the verdict that counts is the one in the log.
"""

from pathlib import Path

from msgspec import Struct

from dgm.archive import LOG
from dgm.attempt import Attempt, readable
from dgm.benchmarks import in_images, open_benchmark
from dgm.changes import differing
from dgm.cli.advising import looking
from dgm.cli.agents import as_dict, coloured, verdict
from dgm.cli.failing import Unable
from dgm.cli.reading import open_reader
from dgm.config import ConfigError
from dgm.files import Files, patched
from dgm.jobs import AgentId, JobId, TaskId
from dgm.log import LogReader
from dgm.protocols import Grade, Patch
from dgm.report import JobRow, attempts, find, setting
from dgm.store import load
from dgm.text import clip, count, duration, out, out_json, paragraph, plain, short, styled
from dgm.tree import Tree


class TryRow(Struct, frozen=True):
    """One try: how the agent ended, and the grade of what it left. `deleted`: paths; `changed`: path to new content, up
    to the end of this try."""

    ended: str
    exit: int | None
    seconds: float
    remarks: tuple[str, ...]
    refused: tuple[str, ...]
    grade: Grade | None
    changed: dict[str, str]
    deleted: tuple[str, ...]
    executable: tuple[str, ...]


def show_grade(name: str, job: JobId, archive: Path | None, as_json: bool) -> None:
    reader = open_reader(archive)
    agent = find(reader.tree, name)
    rows = {one.id: one for one in attempts(LogReader(reader.path / LOG).events(), agent.id)}
    if job not in rows or rows[job].kind != "evaluate":
        raise Unable(
            f"job {job} is no evaluation of {short(agent.id)}: `{looking(archive, 'log', name)}` lists its jobs"
        )
    attempt = load(reader.folder(job) / "attempt.json", Attempt)
    if attempt is None:
        raise Unable(f"{reader.folder(job)} has no attempt: nothing was graded in job {job}")
    last = load(reader.folder(job) / "grade.json", Grade)
    if as_json:
        show_json(agent.id, rows[job], attempt, last)
        return
    made = attempt.tries()
    row = rows[job]
    out(
        f"job       {job}, {plain(row.task or '')}",
        f"agent     {agent.id}",
        f"outcome   {verdict(row.outcome == 'solved').strip() if row.outcome.endswith('solved') else row.outcome}",
        *(f"flag      {clip(flag, 300)}" for flag in row.flags),
    )
    for number, one in enumerate(made, 1):
        grade = one.grade or (last if one is attempt else None)
        if len(made) > 1:
            out(f"try       {number}")
        out(f"agent ran {duration(one.seconds)}, {one.ended}" + ("" if one.exit is None else f" with {one.exit}"))
        out(*(grade_lines(grade) if grade else ["graded    not yet"]))
    given = given_files(reader.tree, row.task or "")
    out("patch", *patch_lines(attempt.patch, given))


def given_files(tree: Tree, task: TaskId) -> Files | None:
    """What the agent started from; None where that is not known here: in an image, or changed since."""
    name = str(setting(tree.config, "run.benchmark", ""))
    try:
        if in_images(name):
            return None
        benchmark = open_benchmark(name)
        return benchmark.task(task).files if benchmark.version == tree.benchmark else None
    except (ConfigError, OSError, KeyError):
        return None


def patch_lines(patch: Patch, given: Files | None) -> list[str]:
    """A unified diff where it is known from what, else the new contents."""
    if given is None:
        return [f"  {line}" for line in paragraph(readable(patch)).splitlines()]
    lines = []
    for file in differing(given, patched(given, patch.changed, patch.deleted)):
        lines.append(f"  {styled(f'{file.change}: {plain(file.path)}', 'bold')}")
        lines += [f"  {coloured(line)}" for line in paragraph(file.diff).splitlines()]
    return lines or ["  (nothing was changed)"]


def grade_lines(grade: Grade) -> list[str]:
    tests = f", {count(len(grade.tests), 'test')}" if grade.tests else ""
    versions = ", ".join(f"{plain(tool)} {plain(version)}" for tool, version in sorted(grade.versions.items()))
    return [
        f"graded    {verdict(grade.solved).strip()} in {duration(grade.seconds)}{tests}",
        f"image     {plain(grade.image) or 'unknown'}",
        f"versions  {versions or 'unknown'}",
        *(f"  {clip(outcome, 12):<12} {plain(test)}" for test, outcome in sorted(grade.tests.items())),
        "report",
        *(f"  {line}" for line in paragraph(grade.report).splitlines()),
    ]


def show_json(agent: AgentId, row: JobRow, attempt: Attempt, last: Grade | None) -> None:
    tries = []
    for one in attempt.tries():
        patch = one.patch
        tries.append(
            TryRow(
                *(one.ended, one.exit, one.seconds, one.remarks, one.refused),
                grade=one.grade or (last if one is attempt else None),
                changed={path: file.data.decode(errors="backslashreplace") for path, file in patch.changed.items()},
                deleted=patch.deleted,
                executable=tuple(path for path, file in patch.changed.items() if file.executable),
            )
        )
    out_json({"agent": agent, **as_dict(row), "cached": attempt.cached, "tries": tries})
