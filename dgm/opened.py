"""A run, opened to look into it from Python, also while it goes on.

Invariant: reading takes no lock and changes nothing; what is given out is the reader's own, to change as they like.
"""

from collections.abc import Iterable, Iterator
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from dgm import frames
from dgm.archive import LOG, Reader
from dgm.changes import differing
from dgm.events import AgentBorn, AnyEvent, JobFailed, JobStarted, RunConfigured, TaskScored
from dgm.files import Files
from dgm.jobs import AgentId, JobId, TaskId
from dgm.ledger import read_transcript
from dgm.log import LogReader
from dgm.report import JobRow, ended, find, setting, simulation
from dgm.trajectories import Trajectory, Wanted, trajectories
from dgm.tree import Tree

if TYPE_CHECKING:
    from networkx import DiGraph
    from pandas import DataFrame


class OpenedRun:
    """A run as it was when it was opened, or last refreshed.

    `agents`, `results`, `jobs`, `costs` are pandas frames, and `lineage` is a networkx graph: `dgm.columns` documents
    them. They need `pip install 'dgm[analysis]'`, and raise `MissingLibrary` without it. An agent is named by a prefix
    of its hash, `seed` or `best`; `NoSuchAgent` is raised where that means none or several.
    """

    def __init__(self, path: str | PathLike[str]) -> None:
        """Raises `NoArchive`, `Damaged`."""
        self.path = Path(path)
        self._jobs: dict[JobId, JobRow] = {}
        self._started: dict[JobId, JobStarted] = {}
        self._held_out: set[TaskId] = set()
        self._frames: dict[str, DataFrame] = {}
        self._reader = Reader(self.path, self._tell)

    @property
    def tree(self) -> Tree:
        """The fold of the log, as policies see it."""
        return self._reader.tree

    def refresh(self) -> int:
        """Read what was added to the log since; returns how many events that were. Raises `Damaged`; the
        run has to be opened again then, once it is repaired."""
        news = self._reader.refresh()
        for event in news:
            self._tell(event)
        if news:
            self._frames.clear()
        return len(news)

    @property
    def simulation(self) -> bool:
        """Whether the scripted model stood in for a real one, so that nothing here says how good a real agent is."""
        return simulation(self.tree)

    @property
    def agents(self) -> "DataFrame":
        return self._table("agents")

    @property
    def results(self) -> "DataFrame":
        return self._table("results")

    @property
    def jobs(self) -> "DataFrame":
        return self._table("jobs")

    @property
    def costs(self) -> "DataFrame":
        return self._table("costs")

    @property
    def lineage(self) -> "DiGraph":
        return frames.lineage(self.tree, self._rows())

    def agent(self, name: str) -> AgentId:
        """The whole hash of the agent that is called `name`."""
        return find(self.tree, name).id

    def source(self, agent: str) -> Files:
        """Path to file; a file has `data`, `text` and `executable`. A model wrote it: look, do not run. Raises
        `Damaged`."""
        return self._reader.source(self.agent(agent))

    def diff(self, a: str, b: str) -> str:
        """What changed from `a` to `b`, as a unified diff of all files. Raises `Damaged`."""
        found = differing(self.source(a), self.source(b))
        return "\n".join(f"{file.change}: {file.path}\n{file.diff}" for file in found)

    def transcript(self, job: JobId) -> str:
        """What was said to models in `job`, to read; empty if nothing. Raises `KeyError` for a job that is not in the
        log."""
        if job not in self._jobs and job not in self._started:
            raise KeyError(job)
        return read_transcript(self._reader.folder(job))

    def trajectories(self, roles: Iterable[str] = (), outcomes: Iterable[str] = ()) -> Iterator[Trajectory]:
        """The conversations in `roles` (solve, improve, diagnose) of jobs with one of `outcomes` (of `jobs`), all of
        them where empty; never of a task that was ever held out, here or in a run whose folder this one lies in, as
        replays and validations do. One job is in memory at a time. Raises `Damaged`."""
        wanted = Wanted(frozenset(roles), frozenset(outcomes))
        jobs = dict(sorted(self._jobs.items()))
        benchmark = str(setting(self.tree.config, "run.benchmark", ""))
        return trajectories(self.path, jobs, benchmark, self._held_out | held_out_above(self.path), wanted)

    def conversations(self) -> "DataFrame":
        """A row a conversation. Reads all transcripts, which takes a second for some 100 MB."""
        return frames.of_conversations(self.trajectories())

    def _table(self, name: str) -> "DataFrame":
        if name not in self._frames:
            self._frames[name] = frames.TABLES[name](self.tree, self._rows())
        return self._frames[name].copy()

    def _rows(self) -> dict[JobId, JobRow]:
        """Those that have ended, in the order of their ends, then those that have not."""
        return self._jobs | {id: ended(started, None) for id, started in self._started.items()}

    def _tell(self, event: AnyEvent) -> None:
        match event:
            case JobStarted():
                self._started[event.id] = event
            case AgentBorn(job=int(job)) | TaskScored(job=job) | JobFailed(job=job):
                self._jobs[job] = ended(self._started.pop(job), event)
            case RunConfigured():
                self._held_out.update(event.held_out)


def held_out_above(path: Path) -> set[TaskId]:
    """What the runs that `path` lies in ever held out. Raises `Damaged`."""
    logs = [folder / LOG for folder in path.resolve().parents if (folder / LOG).is_file()]
    events = (event for log in logs for event in LogReader(log).events())
    return {task for event in events if isinstance(event, RunConfigured) for task in event.held_out}


def open_run(path: str | PathLike[str]) -> OpenedRun:
    """The run in the folder `path`, to look into. Raises `NoArchive`, `Damaged`."""
    return OpenedRun(path)
