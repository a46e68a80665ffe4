"""Agents measured on tasks of anybody's choice, held-out ones too: each measurement is a run with several seeds.

Invariant: a measurement is an ordinary archive, so caps, cache, sandbox and resuming are those of a run; what is on
record is never paid for again, and nothing of it enters the run that the agents come from.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import msgspec
from msgspec import Struct

from dgm.archive import LOG, Reader, tree_so_far
from dgm.clade import Agent
from dgm.config import Config, PolicyConfig
from dgm.files import Files, digest
from dgm.flight import End
from dgm.jobs import AgentId, TaskId
from dgm.ledger import spent
from dgm.policies import ONCE
from dgm.run import Run, start_run
from dgm.tree import Tree

AMENDED = ("run.tasks", "run.benchmark", "run.slots", "caps.usd_per_run", "policy.patience")
"""Settings that say how much is measured and no verdict depends on: they may differ from one start to the next. So
may the path of a benchmark; whether its tasks are the same is looked at by itself."""
DONE = End(0, "every agent has met every task")
CAPPED, INTERRUPTED = 3, 130
SEED = "replay"
"""Stands as `run.seed` in the log: the seeds are agents of another run, named in their summaries."""

Drive = Callable[[Run, Path], End]
"""Drives a run that was started in a folder to its end: `dgm.cli.driving.steered`, or just `go`."""


def went(run: Run, folder: Path) -> End:
    return run.go()


class Cell(Struct, frozen=True):
    """One measurement: a folder, and the settings of the run in it. Its tasks are `config.run.tasks`."""

    folder: Path
    config: Config

    @property
    def tasks(self) -> tuple[TaskId, ...]:
        assert isinstance(self.config.run.tasks, tuple)
        return self.config.run.tasks


class Measured(Struct, frozen=True):
    """What is known of a cell. `ids`: the agents by name, as they are called in its `tree`; those with the same source
    are one. `left_out`: those that fail their smoke test, by name, with the reason."""

    cell: Cell
    tree: Tree
    end: End
    ids: dict[str, AgentId]
    left_out: dict[str, str] = {}

    def agent(self, name: str) -> Agent | None:
        """None for one that has not joined, or was left out."""
        return self.tree.agents[self.ids[name]] if name in self.ids else None

    @property
    def tasks(self) -> tuple[TaskId, ...]:
        """Those that count: without any that cannot be trusted on this machine."""
        return tuple(task for task in self.cell.tasks if task not in self.tree.quarantined)

    def results(self, name: str) -> dict[TaskId, bool]:
        """Task to whether the agent called `name` has solved it, for the tasks that count."""
        agent = self.agent(name)
        return {} if agent is None else {task: agent.results[task] for task in self.tasks if task in agent.results}

    def complete(self, name: str) -> bool:
        """Whether the agent has met every task."""
        return len(self.results(name)) == len(self.tasks) > 0

    def settled(self, name: str) -> bool:
        """Whether nothing of it is left to do: each task was met, or was given up."""
        agent = self.agent(name)
        if agent is None or agent.evaluating:
            return False
        met = self.results(name)
        return all(task in met or agent.misses.get(task, 0) >= self.tree.patience for task in self.tasks)


def cell_of(config: Config, tasks: Iterable[TaskId], folder: Path, repeat: int = 0) -> Cell:
    """A measurement of all `tasks` under the settings `config`, but for those that choose.

    `repeat`: verdicts with the same number are not paid for twice on this machine; another number is another draw.
    """
    run = msgspec.structs.replace(
        config.run, seed=SEED, tasks=tuple(tasks), subset="", sample="random", held_out=0, evaluations=1, repeat=repeat
    )
    policy = PolicyConfig(name=ONCE, patience=config.policy.patience, epsilon=config.policy.epsilon)
    return Cell(folder, msgspec.structs.replace(config, run=run, policy=policy))


def measure(
    agents: Mapping[str, Files],
    tasks: Sequence[TaskId],
    config: Config,
    folder: Path,
    environ: Mapping[str, str],
    repeats: int = 1,
    usd: float | None = None,
    drive: Drive = went,
) -> list[Measured]:
    """Each of `agents` (name to source) on each of `tasks`, `repeats` times: an archive `folder/<n>` each, from 0.

    `config`: the benchmark, model, limits and sandbox. `usd`: what all of it may cost, from the first start on; None:
    `caps.usd_per_run`. Calling it again goes on. Raises as `measured` does.
    """
    cells = [cell_of(config, tasks, folder / str(repeat), repeat) for repeat in range(repeats)]
    return list(measured(cells, agents, environ, usd if usd is not None else config.caps.usd_per_run, drive))


def measured(
    cells: Sequence[Cell], agents: Mapping[str, Files], environ: Mapping[str, str], usd: float, drive: Drive = went
) -> Iterator[Measured]:
    """The cells, one after the other, each driven to its end; together they cost no more than `usd` dollars.

    The `End` of each says how: code 3 where the money may not hold its next job, 130 where it was interrupted; after
    either of these the rest is only looked at. Raises what `start_run` and `Run.go` raise; what is on record by then
    is kept.
    """
    stopped: End | None = None
    for cell in cells:
        found = looked(cell, agents)
        if stopped is not None and found.end.code:
            found = msgspec.structs.replace(found, end=stopped)
        elif found.end.code:
            found = driven(found, agents, environ, left_of(usd, cells), drive)
            broke = found.end.code == CAPPED and left_of(usd, cells) < cell.config.caps.usd_per_job
            if broke or found.end.code == INTERRUPTED:
                stopped = found.end
        yield found


def driven(
    known: Measured, agents: Mapping[str, Files], environ: Mapping[str, str], left: float, drive: Drive
) -> Measured:
    """Go on with the cell of which so much is `known`, for at most `left` dollars more."""
    cell = known.cell
    config = cell.config
    caps = msgspec.structs.replace(config.caps, usd_per_run=max(paid(cell.folder) + left, 0.0))
    config = msgspec.structs.replace(config, caps=caps)
    with start_run(config, cell.folder, environ, AMENDED, agents) as started:
        end, left_out = drive(started, cell.folder), started.left_out
        tree = started.worker.archive.tree
    return Measured(cell, tree, end, ids(tree, agents), left_out)


def looked(cell: Cell, agents: Mapping[str, Files]) -> Measured:
    """What is known of `cell` so far. Reads only. Raises `Damaged`."""
    tree = tree_so_far(cell.folder)
    found = Measured(cell, tree, DONE, ids(tree, agents))
    if all(map(found.settled, agents)):
        return found
    return msgspec.structs.replace(found, end=End(1, "it was not finished"))


def ids(tree: Tree, agents: Mapping[str, Files]) -> dict[str, AgentId]:
    """Name to the agent of `tree` with the same source."""
    known = {agent.digest: agent.id for agent in tree.agents.values()}
    return {name: known[one] for name, files in agents.items() if (one := digest(files)) in known}


def left_of(usd: float, cells: Iterable[Cell]) -> float:
    return usd - sum(paid(cell.folder) for cell in cells)


def paid(folder: Path) -> float:
    """Dollars that the run in `folder` has cost, with what jobs that a killed driver left behind have cost."""
    if not (folder / LOG).is_file():
        return 0.0
    reader = Reader(folder)
    return reader.tree.spent.usd + sum(spent(reader.folder(job)).usd for job in reader.tree.running)
