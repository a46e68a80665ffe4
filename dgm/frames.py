"""A run as tables and as a graph: pandas frames and a networkx graph, made from its log alone.

Invariant: the columns are those of `dgm.columns`, also of an empty run.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from importlib import import_module
from json import dumps
from typing import TYPE_CHECKING, Any

from msgspec.structs import asdict

from dgm import belief
from dgm.clade import Agent
from dgm.columns import COLUMNS, INDEXED, TIME, WHOLE_OR_NONE
from dgm.jobs import JobId
from dgm.policies.conclusion import best
from dgm.report import JobRow, Tally
from dgm.trajectories import Trajectory
from dgm.tree import Tree

if TYPE_CHECKING:
    from networkx import DiGraph
    from pandas import DataFrame


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
