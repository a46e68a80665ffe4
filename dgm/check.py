"""Whether the log, the agents and the artifacts of a run agree; and if they do not, what can be saved.

Invariant: checking changes nothing; repairing makes a copy of the log first, and says what could not be saved.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Literal

from msgspec import Struct

from dgm import salvage
from dgm.archive import AGENTS, ARTIFACTS, LOCK, LOG, Archive, fold, log_of
from dgm.clade import Agent
from dgm.commits import notes
from dgm.durable import locked, written
from dgm.events import AgentBorn, JobStarted
from dgm.git import Repository
from dgm.jobs import AgentId
from dgm.log import Damaged, LogReader
from dgm.policies.conclusion import best
from dgm.tree import Tree


class Finding(Struct, frozen=True):
    """damage: something is wrong. mended: it was wrong. lost: it could not be saved. note: harmless."""

    level: Literal["damage", "mended", "lost", "note"]
    text: str


def check(path: Path) -> list[Finding]:
    """What is to be said of the run in `path`, which may be being written: nothing, if all is well.

    Raises `NoArchive`.
    """
    log = LogReader(log_of(path))
    # A driver makes a commit, then its branch, then the event, and last the folder of a job. Looked at in the opposite
    # order, nothing that is only under way seems to be missing.
    folders = [entry.name for entry in os.scandir(path / ARTIFACTS)] if (path / ARTIFACTS).is_dir() else []
    tree = Tree()
    try:
        fold(log, tree)
    except Damaged as damage:
        bad = [Finding("damage", f"{LOG} {line}") for line in salvage.lines(log.path) if line.event is None]
        return bad or [Finding("damage", str(damage))]
    found: list[Finding] = []
    if torn := log.path.stat().st_size - log.offset:
        found.append(Finding("note", f"the last {torn} bytes of {LOG} are no whole line: torn, or just being written"))
    with closing(Repository(path / AGENTS)) as repository:
        found += [*_agents(repository, tree), *_mirror(repository, tree)]
    strange = [name for name in folders if not name.isdecimal() or not 0 < int(name) < tree.next_job]
    return found + [Finding("note", f"{ARTIFACTS}/{name} belongs to no job") for name in sorted(strange)]


def repair(path: Path) -> list[Finding]:
    """Mend what can be mended in the run in `path`, and say what was done and what is lost.

    Raises `ArchiveBusy`, `NoArchive`, `NotWritten`.
    """
    log = log_of(path)
    with written(path), locked(path / LOCK):
        found = list(_mend_log(log, path / AGENTS))
    with Archive(path, best=best) as archive:
        if archive.torn:
            found.append(
                Finding("mended", f"a torn last line of {archive.torn} bytes, which never counted, is cut off")
            )
        if archive.swept:
            found.append(Finding("mended", f"{archive.swept} stale locks and temporary files of git are removed"))
        found += [Finding("damage", text) for text in archive.restore()]
        if archive.tree.length and not archive.tree.tasks:
            found.append(Finding("lost", "the settings and tasks of the run, which the next `dgm run` has to be given"))
        if archive.tree.running:
            jobs = ", ".join(map(str, archive.tree.running))
            found.append(Finding("note", f"these jobs have no end and are done again by the next `dgm run`: {jobs}"))
    return found


def _mend_log(log: Path, agents: Path) -> Iterator[Finding]:
    try:
        fold(LogReader(log), Tree())
        return
    except Damaged:
        with closing(Repository(agents)) as repository:
            mended = salvage.mend(log, repository)
    yield Finding("mended", f"{LOG} holds what could be proven; as it was, it is {mended.copy.name}")
    for event in mended.known:
        if isinstance(event, AgentBorn):
            yield Finding("mended", f"the birth of {event.agent} is known from its commit; only what it cost is lost")
        elif isinstance(event, JobStarted):
            yield Finding("mended", f"that job {event.id} expanded {event.job.agent} is known from the child's birth")
    for line in mended.lost:
        yield Finding("lost", f"{mended.copy.name} {line}")


def _agents(repository: Repository, tree: Tree) -> Iterator[Finding]:
    if tree.agents and not (repository.path / "HEAD").is_file():
        yield Finding("damage", f"{repository.path} is no git repository")
    kept, seen = repository.kept(), set[str]()
    for agent in tree.agents.values():
        try:
            if repository.digest(agent.id) != agent.digest or repository.parents(agent.id) != _parents(agent):
                yield Finding("damage", f"the commit {agent.id} has not the source and the parent that {LOG} names")
            repository.verify(agent.id, seen)
        except Damaged as damage:
            yield Finding("damage", f"agent {agent.id}: {damage}")
        if kept.get(agent.id) != agent.id:
            yield Finding("damage", f"agent {agent.id} has no branch of its own; `dgm check --repair` makes it again")
    for name in kept.keys() - tree.agents.keys():
        yield Finding("note", f"the commit {name} is in no event: it was made just now, or just before a crash")


def _parents(agent: Agent) -> tuple[AgentId, ...]:
    return (agent.parent.id,) if agent.parent else ()


def _mirror(repository: Repository, tree: Tree) -> Iterator[Finding]:
    try:
        shown: Mapping[AgentId, str] = repository.notes()
    except Damaged as damage:
        yield Finding("damage", f"the notes, which can be made again by `dgm check --repair`: {damage}")
        return
    stale = sum(shown.get(id) != text for id, text in notes(tree).items())
    if stale or shown.keys() - tree.agents.keys():
        yield Finding("note", f"the notes of {stale} agents are behind {LOG}")
    if (top := best(tree)) and repository.best() != top.id:
        yield Finding("note", f"the branch `best` is not yet {top.id}")
