"""A replay: agents x benchmarks x models x repetitions, a measurement (`dgm.replay`) for each but the first.

Invariant: who takes part is written down before anything is measured, so the same command means the same agents,
whichever is the best one by then; and no task that the run has held out is in it.
"""

import re
from collections.abc import Iterable
from pathlib import Path

import msgspec
from msgspec import Struct

from dgm.archive import LOG, Reader
from dgm.benchmarks import open_benchmark
from dgm.config import Config, ConfigError, RunConfig
from dgm.durable import make_folder
from dgm.files import Files, digest, read_folder
from dgm.jobs import AgentId, TaskId
from dgm.log import Damaged
from dgm.protocols import Benchmark
from dgm.replay import Cell, cell_of
from dgm.report import find
from dgm.selection import choose, listed
from dgm.store import load, save
from dgm.transfer.terms import Options, settings_for
from dgm.tree import Tree

PLAN = "replay.json"


class Entrant(Struct, frozen=True):
    """An agent that takes part: `agent` of the run, or the source in the folder `path`. `asked`: as it was named."""

    digest: str
    agent: AgentId = ""
    path: str = ""
    asked: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Its key: the whole hash, or the name of its folder."""
        return self.agent or Path(self.path).name


class Planned(Struct, frozen=True):
    """One cell, for the list of replays. `tasks`: how many."""

    folder: str
    benchmark: str
    model: str
    repeat: int
    tasks: int


class Plan(Struct, frozen=True):
    """`replay.json`: who takes part, in which cells so far."""

    entrants: tuple[Entrant, ...] = ()
    cells: tuple[Planned, ...] = ()


class Block(Struct, frozen=True):
    """A benchmark under a model, with a cell a repetition. `held_out`: tasks left out for the run's sake; `searched`:
    how many tasks the run has chosen its agents by."""

    benchmark: str
    model: str
    config: Config
    tasks: tuple[TaskId, ...]
    held_out: tuple[TaskId, ...]
    searched: int
    cells: tuple[Cell, ...]


# -------------------------------------------------------------------- who


def enlisted(reader: Reader, plan: Plan, names: Iterable[str], folders: Iterable[Path]) -> dict[str, Entrant]:
    """Who takes part, by key: the seed, those in the `plan`, and those that are named now.

    A name that stands in the plan means whom it meant then. Raises `NoSuchAgent`, `BadFiles`, `ConfigError`.
    """
    found = {one.name: one for one in plan.entrants}
    known = {word: one.name for one in plan.entrants for word in one.asked}
    for word in ("seed", *names):
        if word in known:
            continue
        agent = find(reader.tree, word)
        entrant = found.get(agent.id, Entrant(agent.digest, agent.id))
        found[agent.id] = msgspec.structs.replace(entrant, asked=(*entrant.asked, word))
        known[word] = agent.id
    for folder in folders:
        entrant = Entrant(digest(external(folder)), path=str(folder.resolve()))
        before = found.get(entrant.name, entrant)
        if before.path != entrant.path:
            raise ConfigError(f"--agent-dir {folder}: {before.path} has the same name; give one of them another")
        if before.digest != entrant.digest:
            raise ConfigError(
                f"--agent-dir {folder}: what is in it has changed since this replay began: take another --name"
            )
        found[entrant.name] = entrant
    return found


def moved(reader: Reader, plan: Plan, names: Iterable[str]) -> list[tuple[str, AgentId, AgentId]]:
    """Those of `names` that mean another agent by now than in the `plan`: name, agent then, agent now."""
    then = {word: one.agent for one in plan.entrants for word in one.asked}
    found = [(name, then[name], find(reader.tree, name).id) for name in names if name in then]
    return [each for each in found if each[1] != each[2]]


def external(folder: Path) -> Files:
    """The agent in `folder`. Raises `ConfigError`, `BadFiles`."""
    if not folder.is_dir():
        raise ConfigError(f"--agent-dir {folder}: there is no such folder")
    files = read_folder(folder)
    if "start" not in files:
        raise ConfigError(f"--agent-dir {folder} has no `start` at its root, so it is no agent")
    return files


def sources(reader: Reader, entrants: Iterable[Entrant], home: Path) -> dict[str, Files]:
    """The source of each, by key: from the run, else from a cell that has met it, else from its folder.

    Raises `Damaged`, `ConfigError`, `BadFiles`.
    """
    found: dict[str, Files] = {}
    for one in entrants:
        if one.agent:
            found[one.name] = reader.source(one.agent)
            continue
        kept = met(home, one.digest) if home.is_dir() else None
        found[one.name] = external(Path(one.path)) if kept is None else kept
        if digest(found[one.name]) != one.digest:
            raise ConfigError(f"{one.path} has changed since this replay began: take another --name")
    return found


def met(home: Path, wanted: str) -> Files | None:
    """The source with the digest `wanted`, from the first cell in which it is a seed."""
    for log in sorted(home.glob(f"*/{LOG}")):
        cell = Reader(log.parent)
        for seed in cell.tree.seeds:
            if seed.digest == wanted:
                return cell.source(seed.id)
    return None


# -------------------------------------------------------------------- on what


def block(tree: Tree, benchmark: str, model: str, options: Options, repeats: int, home: Path) -> Block:
    """The cells of a benchmark (a name or a folder) under a model (a name; empty: the run's) in the folder `home`.

    Its tasks: those that the settings say; where they say nothing, those that it had before, or those that the run has
    searched on if it is the run's benchmark, or all; in no case one that the run holds out. Raises `ConfigError`.
    """
    config = settings_for(tree, benchmark, model, options)
    opened = open_benchmark(benchmark, config.grading)
    name = config.model("solve").name
    folders = [home / f"{slug(opened.name)}--{slug(name)}--{repeat}" for repeat in range(repeats)]
    sealed, searched = same(tree, opened, tree.held_out), same(tree, opened, tree.tasks)
    tasks = chosen(tree, opened, config.run, sealed, folders[0])
    cells = tuple(cell_of(config, tasks, folder, repeat) for repeat, folder in enumerate(folders))
    return Block(opened.name, name, config, tasks, tuple(sorted(sealed)), len(searched & set(tasks)), cells)


def chosen(
    tree: Tree, benchmark: Benchmark, run: RunConfig, sealed: frozenset[TaskId], folder: Path
) -> tuple[TaskId, ...]:
    """The tasks of `benchmark` to measure on. Raises `ConfigError`."""
    if isinstance(run.tasks, tuple) and (clash := sealed & set(listed("run.tasks", run.tasks, benchmark))):
        raise ConfigError(f"run.tasks has {min(clash)}, which the run holds out: `dgm validate` scores those")
    if run.tasks or run.subset:
        return choose(run, benchmark, sealed).tasks
    if (folder / LOG).is_file() and (before := Reader(folder).tree.config["run"]["tasks"]):
        return tuple(task for task in before if task not in sealed)
    if set(tree.tasks) <= set(benchmark.tasks()):
        return tuple(task for task in tree.tasks if task not in sealed)
    if sealed == frozenset(benchmark.tasks()):
        raise ConfigError(
            f"all tasks of {benchmark.name} are held out by the run: `dgm validate` scores agents on them"
        )
    return choose(run, benchmark, sealed).tasks


def same(tree: Tree, benchmark: Benchmark, tasks: Iterable[TaskId]) -> frozenset[TaskId]:
    """Those of `benchmark` that are the run's own `tasks`, under whatever name the benchmark goes here.

    Another benchmark's task is the same if it is called the same and has the same statement; where the run's benchmark
    cannot be read any more, the name decides.
    """
    named = {instance(task): task for task in tasks}
    alike = {task: named[instance(task)] for task in benchmark.tasks() if instance(task) in named}
    certain = {task for task, ours in alike.items() if task == ours}
    if strange := alike.keys() - certain:
        try:
            ours = open_benchmark(str(tree.config["run"]["benchmark"]))
            return frozenset(certain | {task for task in strange if statements(ours, alike[task], benchmark, task)})
        except (ConfigError, KeyError):
            return frozenset(alike)
    return frozenset(certain)


def statements(one: Benchmark, task: TaskId, other: Benchmark, like: TaskId) -> bool:
    """Whether two tasks ask for the same. Raises `KeyError`."""
    return one.task(task).statement.split() == other.task(like).statement.split()


def instance(task: TaskId) -> str:
    """The id without the benchmark's name."""
    return task.partition("/")[2]


# -------------------------------------------------------------------- on the disk


def slug(text: str) -> str:
    """`text` as the name of a folder."""
    return re.sub(r"[^A-Za-z0-9._+-]+", "-", text).strip("-.")[:80] or "x"


def read_plan(home: Path) -> Plan:
    """Raises `Damaged`."""
    plan = load(home / PLAN, Plan)
    if plan is None and (home / PLAN).exists():
        raise Damaged(f"{home / PLAN} cannot be read. Without that file the replay goes on, with the agents named anew")
    return plan or Plan()


def write_plan(home: Path, plan: Plan) -> None:
    """Raises `OSError`."""
    make_folder(home, 0o700)
    save(home / PLAN, plan)


def planned(plan: Plan, entrants: Iterable[Entrant], blocks: Iterable[Block]) -> Plan:
    """`plan` with what has come to it."""
    cells = {one.folder: one for one in plan.cells}
    for one in blocks:
        for repeat, cell in enumerate(one.cells):
            cells[cell.folder.name] = Planned(cell.folder.name, one.benchmark, one.model, repeat, len(one.tasks))
    return Plan(tuple(entrants), tuple(cells.values()))
