"""A run on the disk: the log of what happened, the agents as git commits, and what each job left behind.

Invariant: the tree is the fold of the log and nothing else. A commit and its branch are on the disk before the event
that names them, so a kill at any point leaves at most a commit that nobody names. One process writes, any number read.
`archive/README.md` specifies the format.
"""

import os
import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING, Self

from dgm.clade import Agent
from dgm.commits import message, notes, printable
from dgm.durable import locked, make_folder, sync_folder, written
from dgm.events import AgentBorn, AnyEvent, JobFailed, JobStarted, RunConfigured, RunEnded, RunPaused, TaskScored
from dgm.files import BadFiles, Files, digest
from dgm.jobs import AgentId, Expand, Failure, Job, JobId, Outcome, Rewrite, Verdict
from dgm.log import Damaged, LogReader, LogWriter, sealed
from dgm.tree import Tree

if TYPE_CHECKING:
    from dgm.git import Repository

LOG, AGENTS, ARTIFACTS, LOCK = "events.log", "agents.git", "artifacts", "lock"
MIRROR_SECONDS = 60.0
"""A birth later than this after the last mirroring brings notes and best agent up to date."""


class NoArchive(Exception):
    """A folder that holds no run, or something other than a run. The text says which, and what to do."""


def log_of(path: Path) -> Path:
    """The log of the run in `path`. Raises `NoArchive`."""
    if not (path / LOG).is_file():
        raise NoArchive(f"{path} holds no run: there is no {LOG} in it. `dgm run --archive {path}` starts one")
    return path / LOG


class Reader:
    """A run, read without a lock, also while its driver writes it."""

    def __init__(self, path: Path, tell: Callable[[AnyEvent], object] | None = None) -> None:
        """`tell` is called with each event that is there. Raises `NoArchive`, `Damaged`."""
        self.path = path
        self.tree = Tree()
        self._log = LogReader(log_of(path))
        fold(self._log, self.tree, tell)

    def refresh(self) -> list[AnyEvent]:
        """Fold what was added to the log since the last time, and return it. Raises `Damaged`."""
        events: list[AnyEvent] = []
        fold(self._log, self.tree, events.append)
        return events

    def source(self, agent: AgentId) -> Files:
        """Raises `KeyError` for an agent that is not in the tree, `Damaged`."""
        with closing(_repository(self.path)) as repository:
            return _source(repository, self.tree.agents[agent])

    def folder(self, job: JobId) -> Path:
        """Where the artifacts of `job` are, if it left any."""
        return self.path / ARTIFACTS / str(job)


def read_tree(path: Path) -> Tree:
    """The tree of the run in `path` as it is now. Raises `NoArchive`, `Damaged`."""
    return Reader(path).tree


def tree_so_far(path: Path) -> Tree:
    """The tree of the run in `path`; an empty one where none was begun. Raises `Damaged`."""
    return read_tree(path) if (path / LOG).is_file() else Tree()


class Archive:
    """A run, open for writing: the only one that writes, from one thread. Made if there is none.

    `clock`: seconds since 1970. All methods that record raise `NotWritten` when the disk refuses; the archive takes
    nothing more then, and everything recorded before is safe.
    """

    def __init__(
        self, path: Path, clock: Callable[[], float] = time.time, best: Callable[[Tree], Agent | None] = Tree.best
    ) -> None:
        """`best`: which agent plain git is shown as the best.

        Raises `ArchiveBusy`, `NoArchive`, `Damaged`, `NotWritten`.
        """
        self.path = path
        self.tree = Tree()
        self._clock, self._best = clock, best
        with ExitStack() as opened:
            with written(path):
                _make(path)
                opened.enter_context(locked(path / LOCK))
            reader = LogReader(path / LOG)
            fold(reader, self.tree)
            with written(path):
                self._log = LogWriter(reader)
                opened.callback(self._log.close)
                self._agents = _repository(path, create=True)
                opened.callback(self._agents.close)
                self.swept = self._agents.sweep_locks()
                """How many stale locks and temporary files of a killed driver were removed."""
            self.torn = self._log.torn
            """Bytes of a torn last line that were cut off."""
            self._opened = opened.pop_all()
        self._digests = {agent.digest: agent.id for agent in self.tree.agents.values()}
        self._mirrored = self._clock()

    def close(self) -> None:
        self._opened.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    # ------------------------------------------------------------ reading

    def source(self, agent: AgentId) -> Files:
        """Raises `KeyError` for an agent that is not in the tree, `Damaged`."""
        return _source(self._agents, self.tree.agents[agent])

    def known(self) -> frozenset[str]:
        """The digests of all sources in the archive."""
        return frozenset(self._digests)

    # ------------------------------------------------------------ recording

    def configure(self, settings: RunConfigured) -> None:
        self._record(settings)

    def seed(self, files: Files, summary: str = "") -> AgentId:
        """Let `files` be a seed. An agent with the same source is returned instead of made. Raises `BadFiles`."""
        if (known := self._digests.get(digest(files))) is not None:
            return known
        if not self.tree.length:
            raise ValueError("a run is configured before it gets a seed")
        # The time of the first event, so that a seed that was committed but not recorded before a crash is found again.
        summary = printable(summary)
        agent = self._commit(files, (), f"{summary or 'A seed agent'}\n", self.tree.began)
        self._record(AgentBorn(at=self._clock(), agent=agent, digest=digest(files), summary=summary))
        return agent

    def repeat(self, number: int) -> AgentId:
        """Let the first seed join once more: its repetition `number`, an agent of its own with the same source.

        The same number again gives the same agent.
        """
        seed, summary = self.tree.seeds[0], f"Repetition {number} of the seed"
        agent = self._commit(self.source(seed.id), (), f"{summary}\n", self.tree.began)
        if agent not in self.tree.agents:
            self._record(AgentBorn(at=self._clock(), agent=agent, digest=seed.digest, summary=summary))
        return agent

    def start(self, job: Job) -> JobStarted:
        """Record that `job` begins, before anything is spent on it. Raises `ValueError` if it cannot."""
        event = JobStarted(at=self._clock(), id=self.tree.next_job, job=job)
        self._record(event)
        return event

    def finish(self, job: JobId, outcome: Outcome) -> AgentBorn | TaskScored | JobFailed:
        """Record how `job` ended. Raises `ValueError` unless it is running and is of that kind.

        A child that cannot be stored, or that equals an agent in the archive, is recorded as stillborn.
        """
        started = self.tree.running.get(job)
        if started is None:
            raise ValueError(f"job {job} is not running")
        event: AgentBorn | TaskScored | JobFailed
        match outcome:
            case Rewrite():
                event = self._born(started, outcome)
            case Verdict(solved=solved, usage=usage):
                flags = tuple(printable(flag, 200) for flag in outcome.flags)
                event = TaskScored(at=self._clock(), job=job, solved=solved, usage=usage, flags=flags)
            case Failure(cause=cause, reason=reason, usage=usage):
                event = JobFailed(at=self._clock(), job=job, cause=cause, reason=printable(reason), usage=usage)
        self._record(event)
        if isinstance(event, AgentBorn) and self._clock() - self._mirrored > MIRROR_SECONDS:
            self.mirror()
        return event

    def pause(self, reason: str, seconds: float) -> None:
        self._record(RunPaused(at=self._clock(), reason=printable(reason), seconds=seconds))

    def end(self, code: int, reason: str) -> None:
        self._record(RunEnded(at=self._clock(), code=code, reason=printable(reason)))

    def folder(self, job: JobId) -> Path:
        """The folder for the artifacts of `job`, made for it, closed to other users. From any thread."""
        folder = self.path / ARTIFACTS / str(job)
        with written(folder):
            folder.mkdir(mode=0o700, exist_ok=True)
        return folder

    def mirror(self) -> None:
        """Show plain git the tallies, as notes, and the best agent, as HEAD. Costs 0.2 s at 10,000 agents."""
        self._mirrored = self._clock()
        with written(self.path / AGENTS):
            if top := self._best(self.tree):
                self._agents.point_head(top.id)
            self._agents.write_notes(notes(self.tree), self.tree.last)

    def restore(self) -> list[str]:
        """Make the branches and notes again. Returns what is wrong with agents that cannot be restored from the log."""
        wrong = []
        with written(self.path / AGENTS):
            for agent in self.tree.agents:
                try:
                    self.source(agent)
                    self._agents.keep(agent, replace=True)
                except Damaged as damage:
                    wrong.append(f"agent {agent}: {damage}")
            if not wrong and (top := self._best(self.tree)):
                self._agents.point_head(top.id)
            self._agents.write_notes(notes(self.tree), self.tree.last, afresh=True)
        return wrong

    def _born(self, started: JobStarted, child: Rewrite) -> AgentBorn | JobFailed:
        if not isinstance(started.job, Expand):
            raise ValueError(f"job {started.id} is no expansion, but has a child")
        parent, summary = started.job.agent, printable(child.summary)
        try:
            tree = digest(child.source)
            if (known := self._digests.get(tree)) is not None:
                raise BadFiles(f"its source is that of {known}")
            # The time at which the job started stands in the log, so the same outcome always gives the same commit.
            agent = self._commit(child.source, (parent,), message(summary, started.id), started.at)
        except BadFiles as error:
            reason = printable(str(error))
            return JobFailed(at=self._clock(), job=started.id, cause="stillborn", reason=reason, usage=child.usage)
        return AgentBorn(
            at=self._clock(),
            agent=agent,
            digest=tree,
            parent=parent,
            job=started.id,
            summary=summary,
            usage=child.usage,
        )

    def _commit(self, files: Files, parents: tuple[AgentId, ...], message: str, at: float) -> AgentId:
        with written(self.path / AGENTS):
            agent = self._agents.commit(files, parents, message, at)
            self._agents.keep(agent)
        return agent

    def _record(self, event: AnyEvent) -> None:
        text = sealed(event)
        self.tree.apply(event)
        self._log.append(text)
        if isinstance(event, AgentBorn):
            self._digests[event.digest] = event.agent


def fold(reader: LogReader, tree: Tree, tell: Callable[[AnyEvent], object] | None = None) -> None:
    """Apply the events that `reader` has not read yet, and `tell` of each. Raises `Damaged`."""
    apply = tree.apply
    for event in reader.events():
        try:
            apply(event)
        except ValueError as error:
            raise reader.damage(f"it cannot follow the lines before it: {error}") from error
        if tell is not None:
            tell(event)


def _make(path: Path) -> None:
    make_folder(path, 0o700)
    if not (path / LOG).exists():
        # The log is the first thing that is made.
        if (path / AGENTS).exists():
            raise Damaged(f"{path} has lost its {LOG}, without which it is no run: restore it from a copy")
        if strange := sorted({entry.name for entry in path.iterdir()} - {LOCK}):
            raise NoArchive(f"{path} is no run: it holds {strange[0]!r} but no {LOG}. Name an empty or a new folder")
        path.chmod(0o700)
        os.close(os.open(path / LOG, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))
        sync_folder(path)
    make_folder(path / ARTIFACTS, 0o700)


def _repository(path: Path, create: bool = False) -> "Repository":
    from dgm.git import Repository

    return Repository.create(path / AGENTS) if create else Repository(path / AGENTS)


def _source(repository: "Repository", agent: Agent) -> Files:
    files = repository.files(agent.id)
    if digest(files) != agent.digest:
        raise Damaged(f"{repository.path}: the source of {agent.id} is not that with which it was born")
    return files
