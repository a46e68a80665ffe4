"""A finished run of DGM or HGM, written as an archive.

Invariant: the archive appears whole or not at all, its log is an ordinary one that the tree can be folded from, and it
holds no cost, time or outcome that the outputs do not tell.
"""

import os
import shutil
import tempfile
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

from msgspec import Struct

from dgm import __version__, settings
from dgm.archive import AGENTS, ARTIFACTS, LOG, Archive
from dgm.commits import message
from dgm.config import Config, ModelConfig, PolicyConfig, RunConfig
from dgm.durable import make_folder, sync_folder, written
from dgm.events import AgentBorn, AnyEvent, JobFailed, JobStarted, RunConfigured, RunEnded, TaskScored
from dgm.expand import Diagnosis
from dgm.files import BadFiles, File, Files, digest
from dgm.git import Repository
from dgm.imported.lineage import Source, placed, source
from dgm.imported.outputs import ROOT, Found, Outputs
from dgm.imported.seeds import is_polyglot
from dgm.jobs import AgentId, Evaluate, Expand, Job, JobId, TaskId
from dgm.log import sealed, whole
from dgm.policies.conclusion import best
from dgm.store import save
from dgm.text import clip, count
from dgm.tree import Tree

UNKNOWN = "unknown"
"""The name of the model and of the policy: the outputs do not tell them, and no choice of theirs can be made again."""
EMPTY = "empty patch"
MOST = 200
"""Lines of what was not carried over that stay in the archive."""


class Carried(Struct, frozen=True):
    """What an import brought. `rebuilt`: agents whose source is known; `runnable`: whether all can be started here;
    `left_out`: what was not carried over, a line each; `remarks`: what to know of the rest."""

    kind: str
    run: str
    digest: str
    agents: int
    rebuilt: int
    runnable: bool
    stillborn: int
    evaluations: int
    solved: int
    unjudged: int
    tasks: int
    benchmark: str
    left_out: tuple[str, ...]
    remarks: tuple[str, ...]


def carry(outputs: Outputs, name: str, seed: Files | None, archive: Path) -> Carried:
    """Write `outputs` of the run `name` to the new folder `archive`.

    Raises `FileExistsError` where something is there already, `NotWritten`.
    """
    if archive.exists() and (not archive.is_dir() or any(archive.iterdir())):
        raise FileExistsError(f"{archive} is there already: name a new folder")
    with written(archive):
        archive.absolute().parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=f".{archive.name}-", dir=archive.absolute().parent))
    try:
        carried = _Writing(outputs, name, seed, scratch).write()
        with Archive(scratch, best=best) as opened:
            opened.mirror()
        with written(archive):
            os.rename(scratch, archive)
            sync_folder(archive.absolute().parent)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return carried


class _Writing:
    def __init__(self, outputs: Outputs, name: str, seed: Files | None, path: Path) -> None:
        self.outputs, self.name, self.seed, self.path = outputs, name, seed, path
        tasks = frozenset(task for one in outputs.agents.values() for task in (*one.solved, *one.unjudged))
        self.polyglot = is_polyglot(tasks)
        self.benchmark = "polyglot" if self.polyglot else "swebench-verified"
        self.tasks = self._named(tasks)
        self.events: list[AnyEvent] = []
        self.at, self.job = 0.0, 0
        self.ids: dict[str, AgentId] = {}
        self.sources: dict[str, Source] = {}
        self.counts: Counter[str] = Counter()
        self.left_out: list[str] = []
        self.remarks = list(outputs.remarks)

    def _named(self, tasks: frozenset[str]) -> dict[str, TaskId]:
        """Each task's name here: as benchmarks have it, where `cpp__clock` is the exercise `cpp-clock`."""
        plain = {task: task.replace("__", "-", 1) if self.polyglot else task for task in sorted(tasks)}
        shared = Counter(plain.values())
        return {task: f"{self.benchmark}/{name if shared[name] == 1 else task}" for task, name in plain.items()}

    def write(self) -> Carried:
        lineage = placed(self.outputs)
        times = [one.began for one in lineage.order if one.began is not None]
        self.at = min(times, default=1.0)
        self.events.append(RunConfigured(self.at, __version__, {}, (), "imported"))
        with written(self.path):
            make_folder(self.path / ARTIFACTS, 0o700)
        with written(self.path / AGENTS), closing(Repository.create(self.path / AGENTS)) as repository:
            for agent in lineage.order:
                self._agent(agent, repository)
        self.left_out += [f"the agent {name} and its results: {why}" for name, why in sorted(lineage.lost.items())]
        self._conclude(unknown_times=len(lineage.order) - len(times) - 1)
        carried = self._carried()
        self.events[0] = self._configured(carried)
        words = f"imported from {carried.kind}; costs are unknown, and so are the times and the order of evaluations"
        self.events.append(RunEnded(self.at, 0, words))
        Tree(self.events)  # raises where the log would be none
        with written(self.path):
            log = os.open(self.path / LOG, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with open(log, "wb") as file:
                file.write(whole(map(sealed, self.events)))
                file.flush()
                os.fsync(log)
        return carried

    # ------------------------------------------------------------ one agent

    def _agent(self, agent: Found, repository: Repository) -> None:
        self.at = max(self.at, agent.began or 0.0)
        self.remarks += [f"{agent.name}: {remark}" for remark in agent.remarks]
        parent = self.ids.get(agent.parent) if agent.parent else None
        if agent.parent and parent is None:
            self.left_out.append(f"the agent {agent.name} and its results: its parent {agent.parent} did not start")
            return
        job = self._start(Expand(parent, self._study(agent))) if parent else None
        if reason := self._stillborn(agent):
            assert job is not None
            self.events.append(JobFailed(self.at, job, "stillborn", reason))
            self.counts["stillborn"] += 1
            if agent.solved:
                self.left_out.append(f"{count(len(agent.solved), 'result')} of {agent.name}, which {reason}")
            return
        self._born(agent, parent, job, repository)
        for task, solved in agent.solved.items():
            id = self._start(Evaluate(self.ids[agent.name], self.tasks[task]))
            self.events.append(TaskScored(self.at, id, solved, flags=(EMPTY,) if task in agent.empty else ()))
            self.counts["solved"] += solved
            self.counts["scored"] += 1
        for task in agent.unjudged:
            id = self._start(Evaluate(self.ids[agent.name], self.tasks[task]))
            self.events.append(JobFailed(self.at, id, "infra", "it was submitted, and there is no verdict"))
            self.counts["unjudged"] += 1

    def _start(self, job: Job) -> JobId:
        self.job += 1
        self.events.append(JobStarted(self.at, self.job, job))
        return self.job

    def _study(self, agent: Found) -> TaskId | None:
        return self.tasks.get(agent.entry)

    def _stillborn(self, agent: Found) -> str:
        """Why it is no agent, if it is none."""
        if agent.name == ROOT:
            return ""
        if agent.name in self.outputs.rejected:
            return "did not pass the system's own check"
        if agent.patch is None or not agent.patch.strip():
            return "left no patch" if not agent.solved else ""
        return ""

    def _born(self, agent: Found, parent: AgentId | None, job: JobId | None, repository: Repository) -> None:
        made = source(agent, self.sources[agent.parent] if agent.parent else None, self.seed)
        unknown = " [source unknown]" if made.why and self.seed is not None else ""
        summary = "" if job is None else _summary(agent) + unknown
        text = message(summary, job) if job is not None else "A seed agent\n"
        parents = (parent,) if parent else ()
        try:
            id = repository.commit(made.files, parents, text, self.at)
        except BadFiles as error:
            made = Source({"UNKNOWN.md": File(b"")}, f"its source cannot be stored: {error}")
            id = repository.commit(made.files, parents, text, self.at)
        repository.keep(id)
        self.ids[agent.name], self.sources[agent.name] = id, made
        self.events.append(AgentBorn(self.at, id, digest(made.files), parent, job, summary))
        if job is not None and agent.brief:
            folder = self.path / ARTIFACTS / str(job)
            make_folder(folder, 0o700)
            save(folder / "diagnosis.json", Diagnosis(proposal=summary, brief=agent.brief))
        self.counts["agents"] += 1
        self.counts["rebuilt"] += not made.why
        self.counts["started"] += not made.why and "start" in made.files
        if made.why and self.seed is not None:
            self.left_out.append(f"the source of {agent.name}: {made.why}")
        self.left_out += [f"{path} of {agent.name}: {why}" for path, why in made.skipped if why[0] != "c"]
        self.counts["compiled"] += sum(why[0] == "c" for _, why in made.skipped)

    # ------------------------------------------------------------ the whole

    def _conclude(self, unknown_times: int) -> None:
        counts = self.counts
        if self.seed is None:
            self.left_out.insert(0, "the sources: the seed is not among the outputs (--seed gives it), so each agent "
                                 "holds its patch alone")  # fmt: skip
        self.left_out += [
            f"the agent {name}: the log names it, and no folder tells of it" for name in self.outputs.missing
        ]
        if counts["compiled"]:
            self.left_out.append(f"{count(counts['compiled'], 'compiled or cached file')} in patches")
        self.left_out.append("costs, tokens and running times, which the outputs do not tell")
        self.left_out.append("transcripts, predictions and logs of evaluations: they stay where they are")
        self.remarks.append("evaluations stand in the log right after their agent's birth: their times and order are "
                            "unknown, so nothing over time can be read from this archive")  # fmt: skip
        if unknown_times > 0:
            self.remarks.append(f"the time of birth of {count(unknown_times, 'agent')} is unknown; it has its parent's")
        self.remarks.append("births have the time at which the making of the agent began, of an unknown time zone")
        if counts["unjudged"]:
            self.remarks.append(
                f"{count(counts['unjudged'], 'evaluation')} without a verdict: failures of the environment here, while "
                "HGM counts them as unsolved"
            )
        if empty := sum(len(one.empty) for one in self.outputs.agents.values()):
            self.remarks.append(
                f"{count(empty, 'evaluation')} with an empty patch count as unsolved, as there; each has a flag, since "
                "a failure of the environment leaves one too"
            )

    def _carried(self) -> Carried:
        counts = self.counts
        return Carried(
            kind=self.outputs.kind,
            run=self.name,
            digest=self.outputs.digest,
            agents=counts["agents"],
            rebuilt=counts["rebuilt"],
            runnable=counts["agents"] == counts["started"],
            stillborn=counts["stillborn"],
            evaluations=counts["scored"],
            solved=counts["solved"],
            unjudged=counts["unjudged"],
            tasks=len(self.tasks),
            benchmark=self.benchmark,
            left_out=tuple(self.left_out),
            remarks=tuple(self.remarks),
        )

    def _configured(self, carried: Carried) -> RunConfigured:
        names = tuple(sorted(self.tasks.values()))
        run = RunConfig(benchmark=self.benchmark, tasks=names, evaluations=max(carried.evaluations, 1))
        models, policy = {"default": ModelConfig(name=UNKNOWN)}, PolicyConfig(name=UNKNOWN, expansion_cost=0.0)
        config: dict[str, Any] = settings.resolved(Config(run=run, policy=policy, models=models))
        config["imported"] = {
            "from": carried.kind,
            "run": clip(carried.run, 200),
            "digest": carried.digest,
            "runnable": carried.runnable,
            "left_out": [clip(line, 300) for line in carried.left_out[:MOST]],
            "remarks": [clip(line, 300) for line in carried.remarks[:MOST]],
        }
        return RunConfigured(self.events[0].at, __version__, config, names, "imported")


def _summary(agent: Found) -> str:
    """What the agent's brief begins with: the nearest to a summary that there is."""
    lines = [line.strip("# \t") for line in agent.brief.splitlines()]
    title = next((line for line in lines if line), "")
    return clip(f"{agent.name} on {agent.entry or 'no task'}{f': {title}' if title else ''}", 300)
