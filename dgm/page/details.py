"""What takes more than the log: the change that made an agent, and what an expansion left behind.

Invariant: what is missing or unreadable is said in words and never ends the report; files are read up to a size.
"""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

import msgspec
from msgspec import Struct

from dgm.archive import AGENTS, ARTIFACTS
from dgm.clade import Agent
from dgm.expand import Diagnosis, Draft
from dgm.files import BadFiles, Files, unpack
from dgm.git import Repository
from dgm.jobs import JobId
from dgm.ledger import cut, read_transcript
from dgm.log import Damaged
from dgm.page.changes import Change, changes
from dgm.text import clip, paragraph, plain
from dgm.tree import Tree

WORDS = 6_000
"""Characters of each text of a diagnosis."""
RECORD = 16_000_000
"""Bytes of a record that are read."""
LISTED = 40
"""Files of a folder that are named."""

T = TypeVar("T")


class Kept(Struct, frozen=True):
    """A file of an expansion's artifacts."""

    path: str
    bytes: int


class Making(Struct, frozen=True):
    """How a child was made, or failed to be: the change to its parent, or `problem` why that is not known; what the
    model made of the evidence, empty where nothing is left of it; the files that were kept."""

    changes: tuple[Change, ...] = ()
    problem: str = ""
    diagnosis: Diagnosis = Diagnosis()
    kept: tuple[Kept, ...] = ()
    said: str = ""
    """Between the author and the model; empty where it was not asked for."""


class Details:
    """Reads sources along the lineages, each once. A context, since git's files stay open."""

    def __init__(self, folder: Path, tree: Tree, lines: int, said: int) -> None:
        """`lines`: of each file's diff; 0: no source is read. `said`: characters of each transcript."""
        self._folder, self._tree, self._lines, self._said = folder, tree, lines, said
        self._repository = Repository(folder / AGENTS)

    def __enter__(self) -> "Details":
        return self

    def __exit__(self, *exc: object) -> None:
        self._repository.close()

    def births(self) -> Iterator[tuple[Agent, Making]]:
        """The making of each agent, parents before their children, lineage by lineage."""
        stack: list[tuple[Agent, Files | None]] = [(seed, None) for seed in reversed(self._tree.seeds)]
        while stack:
            agent, before = stack.pop()
            after, problem = self._source(agent)
            found: list[Change] = []
            if agent.parent is not None and before is not None and after is not None:
                found = changes(before, after, self._lines)
            yield agent, self._making(agent.job, found, problem)
            stack += [(child, after) for child in reversed(agent.children)]

    def failed(self, parent: Agent, job: JobId) -> Making:
        """What is left of an expansion without a child."""
        folder = self._folder / ARTIFACTS / str(job)
        draft, found, problem = _record(folder / "draft.json", Draft), list[Change](), ""
        if draft is None:
            problem = "no draft of its source was kept"
        elif draft.problem:
            problem = clip(draft.problem, 1_000)
        else:
            before, problem = self._source(parent)
            try:
                found = changes(before or {}, unpack(draft.source), self._lines) if before is not None else []
            except BadFiles as error:
                problem = clip(str(error), 1_000)
        return self._making(job, found, problem, tuple(_listing(folder)))

    def _making(self, job: JobId | None, found: list[Change], problem: str, kept: tuple[Kept, ...] = ()) -> Making:
        if job is None:
            return Making(tuple(found), problem)
        said = read_transcript(self._folder / ARTIFACTS / str(job)) if self._said else ""
        return Making(tuple(found), problem, self._diagnosis(job), kept, paragraph(cut(said, self._said)))

    def _source(self, agent: Agent) -> tuple[Files | None, str]:
        if not self._lines:
            return None, "the report was made without differences"
        try:
            return self._repository.files(agent.id), ""
        except Damaged as damage:
            return None, clip(f"its source cannot be read: {damage}", 1_000)

    def _diagnosis(self, job: JobId) -> Diagnosis:
        found = _record(self._folder / ARTIFACTS / str(job) / "diagnosis.json", Diagnosis) or Diagnosis()
        return Diagnosis(*(_cut(getattr(found, field)) for field in Diagnosis.__struct_fields__))


def _record(path: Path, kind: type[T]) -> T | None:
    """The record at `path`, unless it is absent, unreadable or too large."""
    with suppress(OSError, msgspec.DecodeError), path.open("rb") as file:
        return msgspec.json.decode(file.read(RECORD + 1), type=kind)
    return None


def _cut(text: str) -> str:
    left = len(text) - WORDS
    return paragraph(text if left <= 0 else f"{text[:WORDS]}\n[{left:,} more characters]")


def _listing(folder: Path) -> Iterator[Kept]:
    number = 0
    for here, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            number += 1
            if number > LISTED:
                return
            with suppress(OSError):
                yield Kept(plain(str((Path(here) / name).relative_to(folder))), os.lstat(Path(here, name)).st_size)
