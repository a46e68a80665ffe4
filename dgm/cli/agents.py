"""The commands that look at one agent: `show`, `diff`, `log`.

Invariant: an agent's files and words are shown and compared, never run and never trusted.
"""

import sys
from pathlib import Path

from msgspec import Struct

from dgm.archive import ARTIFACTS, LOG
from dgm.changes import differing
from dgm.cli.advising import looking
from dgm.cli.failing import Unable
from dgm.cli.looking import SIMULATION, tally_line
from dgm.cli.reading import open_reader
from dgm.jobs import AgentId, JobId, TaskId, Usage
from dgm.log import LogReader
from dgm.policies.conclusion import best
from dgm.report import AgentRow, JobRow, Tally, attempts, find, row, simulation
from dgm.text import (
    clip,
    colourful,
    count,
    dollars,
    duration,
    fold,
    note,
    out,
    out_json,
    paragraph,
    plain,
    short,
    spent,
    styled,
)


class FileRow(Struct, frozen=True):
    path: str
    bytes: int
    executable: bool


class Result(Struct, frozen=True):
    """`job`: where the transcript and the report of the grading are."""

    task: TaskId
    solved: bool
    job: JobId


class AgentReport(Struct, frozen=True):
    """All about one agent. `digest`: the git tree hash of its source. `lineage`: from the seed down to it."""

    agent: AgentRow
    simulation: bool
    digest: str
    job: JobId | None
    lineage: tuple[AgentId, ...]
    children: tuple[AgentId, ...]
    tally: Tally
    results: tuple[Result, ...]
    evaluating: tuple[TaskId, ...]
    usage: Usage
    files: tuple[FileRow, ...]


def show_agent(name: str, archive: Path | None, as_json: bool) -> None:
    reader = open_reader(archive)
    tree = reader.tree
    agent = find(tree, name)
    found = AgentReport(
        agent=row(agent, best(tree)),
        simulation=simulation(tree),
        digest=agent.digest,
        job=agent.job,
        lineage=tuple(one.id for one in agent.lineage()),
        children=tuple(one.id for one in agent.children),
        tally=Tally.of(agent.solved, agent.failed),
        results=tuple(Result(task, solved, agent.jobs[task]) for task, solved in agent.results.items()),
        evaluating=tuple(sorted(agent.evaluating)),
        usage=agent.usage,
        files=tuple(
            FileRow(path, len(file.data), file.executable) for path, file in sorted(reader.source(agent.id).items())
        ),
    )
    if as_json:
        out_json(found)
    else:
        out(*fold(agent_lines(found), 10))


def agent_lines(found: AgentReport) -> list[str]:
    agent = found.agent
    names = " and ".join(word for word, true in (("seed", agent.seed), ("best", agent.best)) if true)
    lineage = " > ".join(short(one) for one in found.lineage[-12:])
    lines = [
        f"agent     {agent.id}{f' ({names})' if names else ''}",
        f"change    {clip(agent.summary or '(none: a seed)', 400)}",
        f"lineage   {'... > ' if len(found.lineage) > 12 else ''}{lineage}",
        f"children  {some(found.children)}",
        f"own       {tally_line(found.tally)}",
        f"clade     {tally_line(Tally.of(agent.clade_solved, agent.clade_failed))}",
        f"cost      {spent(found.usage)}, {duration(found.usage.seconds)}",
        f"born      {f'in job {found.job}' if found.job else 'as the seed'}",
        f"source    {found.digest}, {count(len(found.files), 'file')}",
        *(f"          {file.bytes:>9,} {'x' if file.executable else ' '} {plain(file.path)}" for file in found.files),
        f"results   {count(len(found.results), 'task')}",
        *(f"          {verdict(one.solved)}  {plain(one.task)} (job {one.job})" for one in found.results),
        *(f"          running   {plain(task)}" for task in found.evaluating),
    ]
    return [*lines, *([SIMULATION] if found.simulation else [])]


def verdict(solved: bool) -> str:
    return styled("solved  ", "green") if solved else styled("unsolved", "red")


def some(agents: tuple[AgentId, ...], most: int = 12) -> str:
    shown = " ".join(short(one) for one in agents[:most]) or "none"
    return shown + (f" and {len(agents) - most:,} more" if len(agents) > most else "")


# ---------------------------------------------------------------- diff


def show_diff(a: str, b: str | None, archive: Path | None, as_json: bool) -> None:
    reader = open_reader(archive)
    first = find(reader.tree, a)
    if b is not None:
        old, new = first, find(reader.tree, b)
    elif first.parent is not None:
        old, new = first.parent, first
    else:
        raise Unable(f"{short(first.id)} is a seed and has no parent: name a second agent to compare it with")
    found = differing(reader.source(old.id), reader.source(new.id))
    if as_json:
        out_json({"a": old.id, "b": new.id, "files": found})
        return
    note(f"From {short(old.id)} to {short(new.id)}: {count(len(found), 'file')} changed.")
    for file in found:
        out(styled(f"{file.change}: {plain(file.path)}", "bold"))
        out(*(coloured(line) for line in paragraph(file.diff).splitlines()))


def coloured(line: str) -> str:
    style = {"+": "green", "-": "red", "@": "cyan"}.get(line[:1])
    return styled(line, style) if style and colourful(sys.stdout) else line


# ---------------------------------------------------------------- log


def show_log(name: str, archive: Path | None, as_json: bool) -> None:
    reader = open_reader(archive)
    agent = find(reader.tree, name)
    found = attempts(LogReader(reader.path / LOG).events(), agent.id)
    if as_json:
        jobs = [{"artifacts": artifacts(job.id), **as_dict(job)} for job in found]
        out_json({"agent": agent.id, "simulation": simulation(reader.tree), "jobs": jobs})
        return
    out(f"{'job':>6}  {'outcome':<11}  {'cost':>8}  {'time':>9}  what")
    for job in found:
        taken = duration(job.usage.seconds) if job.ended is not None else ""
        said = f"{job.outcome:<11}  {dollars(job.usage.usd):>8}  {taken:>9}"
        out(f"{job.id:>6}  {said}  {job_words(job, agent.id)}")
    words = (
        f"Artifacts are in {reader.path / ARTIFACTS}/JOB; `{looking(archive, 'log', name)}` with --transcript JOB "
        "prints what was said, with --grade JOB a verdict."
    )
    note(*fold([words], 2, sys.stderr))


def as_dict(job: JobRow) -> dict[str, object]:
    import msgspec

    return msgspec.structs.asdict(job)


def artifacts(job: JobId) -> str:
    """Relative to the archive."""
    return f"{ARTIFACTS}/{job}"


def job_words(job: JobRow, agent: AgentId) -> str:
    by = f" by {short(job.author)}" if job.author is not None else ""
    if job.child == agent:
        return f"made this agent{by}: {clip(job.reason, 100)}"
    if job.child is not None:
        return f"expanded{by} into {short(job.child)}: {clip(job.reason, 100)}"
    flags = f" [{clip('; '.join(job.flags), 100)}]" if job.flags else ""
    reason = f": {clip(job.reason, 160)}" if job.reason else ""
    what = f"on {plain(job.task)}" if job.kind == "evaluate" and job.task else job.kind + by
    return f"{what}{reason}{flags}"


def show_transcript(name: str, job: JobId, archive: Path | None, as_json: bool) -> None:
    reader = open_reader(archive)
    agent = find(reader.tree, name)
    known = {one.id for one in attempts(LogReader(reader.path / LOG).events(), agent.id)}
    if job not in known:
        raise Unable(f"job {job} is none of {short(agent.id)}: `{looking(archive, 'log', name)}` lists its jobs")
    from dgm.ledger import read_transcript

    text = read_transcript(reader.folder(job))
    if as_json:
        out_json({"agent": agent.id, "job": job, "transcript": text})
        return
    if not text:
        note("Nothing was said in this job.")
    out(*paragraph(text).splitlines())
