"""A run as tables and as a graph: pandas frames and a networkx graph, made from its log alone.

Invariant: `COLUMNS` names every column with its type, its unit and its meaning, and an empty run has them all.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from importlib import import_module
from json import dumps
from typing import TYPE_CHECKING, Any

from msgspec.structs import asdict

from dgm import belief
from dgm.clade import Agent
from dgm.jobs import JobId
from dgm.policies.conclusion import best
from dgm.report import JobRow, Tally
from dgm.trajectories import Trajectory
from dgm.tree import Tree

if TYPE_CHECKING:
    from networkx import DiGraph
    from pandas import DataFrame

TEXT, WHOLE, WHOLE_OR_NONE, REAL = "string", "int64", "Int64", "float64"
YES, YES_OR_NONE, TIME = "bool", "boolean", "datetime64[us, UTC]"

Columns = Mapping[str, tuple[str, str]]
"""The first one is the frame's index where `INDEXED` says so."""

COST: Columns = {
    "usd": (REAL, "dollars"),
    "calls": (WHOLE, "model calls"),
    "tokens_in": (WHOLE, "tokens sent to models"),
    "tokens_out": (WHOLE, "tokens that models wrote"),
    "seconds": (REAL, "seconds that it took, as measured outside the sandbox"),
}
COLUMNS: Mapping[str, Columns] = {
    "agents": {
        "agent": (TEXT, "the commit, 40 hexadecimal digits"),
        "parent": (TEXT, "the parent agent; none for a seed"),
        "depth": (WHOLE, "generations below the seed"),
        "born": (TIME, "when it joined the tree"),
        "job": (WHOLE_OR_NONE, "the job that made it; none for a seed"),
        "author": (TEXT, "the agent that wrote it, if that is not its parent"),
        "study": (TEXT, "the failed task that its parent learnt from, if any"),
        "summary": (TEXT, "what was changed, in the words of a model: untrusted"),
        "solved": (WHOLE, "tasks solved"),
        "failed": (WHOLE, "tasks not solved"),
        "evaluations": (WHOLE, "tasks with a score"),
        "rate": (REAL, "solved / evaluations; none before the first"),
        "low": (REAL, "lower end of the 90 % interval of the success rate, by Beta(1 + solved, 1 + failed)"),
        "high": (REAL, "its upper end"),
        "belief": (REAL, "the epsilon-quantile of the same (policy.epsilon), the best belief of HGM"),
        "clade_solved": (WHOLE, "tasks solved by the agent and all its descendants"),
        "clade_failed": (WHOLE, "tasks not solved by them"),
        "clade_rate": (REAL, "the estimate of clade metaproductivity: the share of these that is solved"),
        "children": (WHOLE, "agents born of it"),
        "stillborn": (WHOLE, "expansions of it that gave no agent that works"),
        "usd": (REAL, "dollars of its evaluations and of the expansions of it"),
        "calls": (WHOLE, "model calls of the same"),
        "tokens_in": (WHOLE, "tokens sent to models, of the same"),
        "tokens_out": (WHOLE, "tokens that models wrote, of the same"),
        "seconds": (REAL, "seconds of the same jobs"),
        "best": (YES, "whether it is the one to take, as the run's policy has it"),
    },
    "results": {
        "agent": (TEXT, "the agent"),
        "task": (TEXT, "the task"),
        "solved": (YES, "the score"),
        "job": (WHOLE, "the evaluation that gave it; rows are in the order in which scores came in"),
        "at": (TIME, "when it came in"),
        "flags": (TEXT, "what a sceptic should look at, as a JSON list; empty if nothing"),
        **COST,
    },
    "jobs": {
        "job": (WHOLE, "number of the job, in the order of starting, from 1"),
        "kind": (TEXT, "evaluate, expand"),
        "agent": (TEXT, "what is evaluated, or expanded"),
        "task": (TEXT, "the task; of an expansion the failure that it studies, if any"),
        "author": (TEXT, "of an expansion: who wrote the child, if not the agent itself"),
        "outcome": (TEXT, "solved, unsolved, born, running, or why it failed: stillborn, infra, provider, lost, ..."),
        "reason": (TEXT, "of a failure: what went wrong; of a birth: the summary. Untrusted"),
        "child": (TEXT, "what was born"),
        "flags": (TEXT, "of a score: as in `results`"),
        "started": (TIME, "when it started"),
        "ended": (TIME, "when it ended; none while it runs"),
        **COST,
    },
    "costs": {
        "at": (TIME, "when the job ended; rows are in that order"),
        "job": (WHOLE, "the job"),
        "kind": (TEXT, "evaluate, expand"),
        "outcome": (TEXT, "as in `jobs`"),
        **COST,
        "evaluations": (WHOLE, "scores in the run by then, this one counted"),
        "usd_total": (REAL, "dollars of the run by then, this job's counted"),
        "hours": (REAL, "hours since the run's first event"),
    },
    "conversations": {
        "job": (WHOLE, "the job"),
        "conversation": (WHOLE, "number within the job, from 1"),
        "role": (TEXT, "solve, improve, diagnose"),
        "agent": (TEXT, "the agent that held it; in a diagnosis the one that is spoken of"),
        "task": (TEXT, "the task, or the failure that is studied"),
        "outcome": (TEXT, "of the job, as in `jobs`"),
        "model": (TEXT, "the model"),
        "messages": (WHOLE, "messages in it"),
        "shared": (WHOLE, "of these, at the start, those that an earlier one of the job has too"),
        "altered": (WHOLE, "replies that the agent sent back in other words"),
        "complete": (YES, "whether the transcript holds all of it"),
        "cached": (YES, "whether another run held it, and paid for it"),
        **COST,
    },
}
INDEXED = ("agents", "jobs")


class MissingLibrary(ImportError):
    """A library that only analyses need is not installed. The text says how to get it."""


def library(name: str) -> Any:
    """Raises `MissingLibrary`."""
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        raise MissingLibrary(f"this needs {name}, which is not installed: pip install 'dgm[analysis]'") from None


def agents(tree: Tree, jobs: Mapping[JobId, JobRow]) -> "DataFrame":
    """A row an agent, in order of birth."""
    return frame("agents", _agents(tree, jobs))


def _agents(tree: Tree, jobs: Mapping[JobId, JobRow]) -> Iterator[tuple[Any, ...]]:
    leader = best(tree)
    stillborn = Counter(job.agent for job in jobs.values() if job.outcome == "stillborn")
    for one in tree.agents.values():
        job = jobs.get(one.job) if one.job is not None else None
        yield (*_row(one, job, tree.epsilon), stillborn[one.id], *asdict(one.usage).values(), one is leader)


def _row(one: Agent, job: JobRow | None, epsilon: float) -> tuple[Any, ...]:
    """job: the one that made it."""
    tally = Tally.of(one.solved, one.failed)
    clade = one.clade_solved + one.clade_failed
    return (
        one.id,
        one.parent.id if one.parent else None,
        one.depth,
        one.born,
        one.job,
        job.author if job else None,
        job.task if job else None,
        one.summary,
        one.solved,
        one.failed,
        one.evaluations,
        one.rate,
        tally.low,
        tally.high,
        belief.quantile(one.solved, one.failed, epsilon),
        one.clade_solved,
        one.clade_failed,
        one.clade_solved / clade if clade else None,
        len(one.children),
    )


def results(tree: Tree, jobs: Mapping[JobId, JobRow]) -> "DataFrame":
    """A row a score, in the order in which they came in."""
    return frame(
        "results",
        (
            (job.agent, job.task, job.outcome == "solved", job.id, job.ended, _flags(job), *asdict(job.usage).values())
            for job in finished(jobs)
            if job.outcome in ("solved", "unsolved")
        ),
    )


def all_jobs(tree: Tree, jobs: Mapping[JobId, JobRow]) -> "DataFrame":
    """A row a job, in the order in which they started."""
    return frame(
        "jobs",
        (
            (
                job.id,
                job.kind,
                job.agent,
                job.task,
                job.author,
                job.outcome,
                job.reason,
                job.child,
                _flags(job),
                job.started,
                job.ended,
                *asdict(job.usage).values(),
            )
            for _, job in sorted(jobs.items())
        ),
    )


def costs(tree: Tree, jobs: Mapping[JobId, JobRow]) -> "DataFrame":
    """A row a job that has ended, in the order of ending, with the run's totals by then."""

    def rows() -> Iterable[tuple[Any, ...]]:
        usd, evaluations = 0.0, 0
        for job in finished(jobs):
            usd += job.usage.usd
            evaluations += job.outcome in ("solved", "unsolved")
            hours = ((job.ended or tree.began) - tree.began) / 3600
            yield (
                job.ended, job.id, job.kind, job.outcome, *asdict(job.usage).values(), evaluations, usd, hours
            )  # fmt: skip

    return frame("costs", rows())


def of_conversations(found: Iterable[Trajectory]) -> "DataFrame":
    """A row a conversation; seconds are those in which the model was waited for."""
    return frame(
        "conversations",
        (
            (
                one.job,
                one.conversation,
                one.role,
                one.agent,
                one.task,
                one.outcome,
                one.model,
                one.messages,
                one.shared,
                one.altered,
                one.complete,
                one.cached,
                *asdict(one.usage).values(),
            )
            for one in (trajectory.origin for trajectory in found)
        ),
    )


TABLES: Mapping[str, Callable[[Tree, Mapping[JobId, JobRow]], "DataFrame"]] = {
    "agents": agents,
    "results": results,
    "jobs": all_jobs,
    "costs": costs,
}


def finished(jobs: Mapping[JobId, JobRow]) -> Iterable[JobRow]:
    """The jobs that have ended, in the order in which `jobs` has them, which is that of their ends."""
    return (job for job in jobs.values() if job.ended is not None)


def frame(name: str, rows: Iterable[Sequence[Any]]) -> "DataFrame":
    pandas = library("pandas")
    columns = COLUMNS[name]
    values = list(zip(*rows, strict=True)) or [()] * len(columns)
    made = pandas.DataFrame(
        {column: _series(pandas, one, kind) for one, (column, (kind, _)) in zip(values, columns.items(), strict=True)}
    )
    return made.set_index(next(iter(columns))) if name in INDEXED else made


def _series(pandas: Any, values: Sequence[Any], kind: str) -> Any:
    if kind != TIME:
        return pandas.Series(values, dtype=kind)
    # Whole microseconds, since a float of seconds is no exact one.
    micros = [None if one is None or not abs(one) < 1e11 else round(one * 1e6) for one in values]
    return pandas.to_datetime(pandas.Series(micros, dtype=WHOLE_OR_NONE), unit="us", utc=True).astype(TIME)


def _flags(job: JobRow) -> str:
    return dumps(list(job.flags), ensure_ascii=False) if job.flags else ""


# -------------------------------------------------------------------- the graph


def lineage(tree: Tree, jobs: Mapping[JobId, JobRow]) -> "DiGraph":
    """An edge from each parent to each of its children.

    A node has the columns of `agents` but `parent`, and none where there is no value; `born` in seconds since 1970. An
    edge has what the expansion cost (`usd`, `calls`, `tokens_in`, `tokens_out`, `seconds`), its `job`, and of the tasks
    that both were tried on how many the child solved and the parent did not (`gained`), the reverse (`lost`), and how
    many there are (`both`).
    """
    graph = library("networkx").DiGraph()
    for one, values in zip(tree.agents.values(), _agents(tree, jobs), strict=True):
        row = dict(zip(COLUMNS["agents"], values, strict=True))
        del row["agent"], row["parent"]
        graph.add_node(one.id, **{name: value for name, value in row.items() if value is not None})
        if one.parent is not None:
            graph.add_edge(one.parent.id, one.id, **_edge(one, one.parent, jobs))
    return graph


def _edge(child: Agent, parent: Agent, jobs: Mapping[JobId, JobRow]) -> dict[str, Any]:
    ours, theirs = child.results, parent.results
    both = [task for task in ours if task in theirs]
    made = None if child.job is None else jobs.get(child.job)
    return {
        **({"job": made.id, **asdict(made.usage)} if made else {}),
        "both": len(both),
        "gained": sum(ours[task] and not theirs[task] for task in both),
        "lost": sum(theirs[task] and not ours[task] for task in both),
    }
