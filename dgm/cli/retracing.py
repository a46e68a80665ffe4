"""`explain --check`: whether the choices of a log come out as recorded, and what may have kept them from it.

Invariant: needs the log alone, and names each choice that differs, up to a few.
"""

import sys
from pathlib import Path

from dgm import retrace
from dgm.archive import LOG, Reader
from dgm.cli.failing import ERROR, Unable
from dgm.cli.reading import open_reader
from dgm.events import RunConfigured
from dgm.jobs import Expand, Job
from dgm.log import LogReader
from dgm.text import count, fold, out, out_json, plain, short

INDENT = 11
SHOWN = 10
"""Choices that differ."""


def show_check(archive: Path | None, as_json: bool, policy: str) -> None:
    """Ends the process with code 1 where not all choices come out as recorded."""
    reader = open_reader(archive)
    log = reader.path / LOG
    named(log, policy)
    found = retrace.check(LogReader(log).events(), policy)
    if as_json:
        out_json(found)
    else:
        out(*fold(check_lines(found, reader), INDENT))
    if found.same < found.choices:
        sys.stdout.flush()
        sys.exit(ERROR)


def check_lines(found: retrace.Check, reader: Reader) -> list[str]:
    unknown = f", {found.unknown:,} not recomputed" if found.unknown else ""
    choices = count(found.choices, "choice")
    lines = [f"{choices}: {found.same:,} recomputed as recorded, {found.different:,} not{unknown}"]
    lines += [
        f"job {one.id:<6} recorded {job_words(one.job)}; recomputed {job_words(one.again)}"
        for one in found.differences[:SHOWN]
    ]
    lines += [f"and {found.different - SHOWN:,} more"] if found.different > SHOWN else []
    lines += [plain(doubt) for doubt in dict.fromkeys((*found.doubts, *(one.doubt for one in found.differences)))]
    return [*lines, *(mended(reader) if found.different else [])]


def mended(reader: Reader) -> list[str]:
    """What `dgm check --repair` has to do with it."""
    copies = sorted(path.name for path in reader.path.glob(f"{LOG}.damaged-*"))
    return (
        [f"the log was mended (before that, it was {copies[0]}): the lines that were lost decided choices, too"]
        if copies
        else []
    )


def named(log: Path, policy: str) -> None:
    """Raises `Unable` for a policy that was named in vain."""
    if not policy:
        return
    starts = [event for event in LogReader(log).events() if isinstance(event, RunConfigured)]
    names = {retrace.Setup(start).name for start in starts}
    if policy not in names:
        raise Unable(f"no part of this run was under the policy {policy}, but under {', '.join(sorted(names))}")


def job_words(job: Job | None) -> str:
    if job is None:
        return "no job"
    if isinstance(job, Expand):
        by = f" by {short(job.author)}" if job.author else ""
        return f"expand {short(job.agent)}{by}, " + (
            f"with its failure on {plain(job.study)}" if job.study else "without evidence"
        )
    return f"evaluate {short(job.agent)} on {plain(job.task)}"
