"""Which tasks count in a run: a subset of the benchmark, a sample of that, and the tasks that are set aside.

Invariant: searched and held-out tasks are disjoint, and what is drawn depends on the settings, the ids and the groups
of the tasks alone. A run sees its benchmark as `Searched`, where nothing but the searched tasks is to be found.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from hashlib import sha256
from pathlib import Path

from msgspec import Struct

from dgm.config import ConfigError, RunConfig
from dgm.jobs import JobId, TaskId
from dgm.protocols import Benchmark, Grade, Patch, Sandbox, Task
from dgm.settings import suggestion
from dgm.shipped import shipped
from dgm.tree import Tree

KEYS = frozenset(
    f"run.{key}" for key in ("tasks", "subset", "sample", "held_out", "benchmark", "random_seed")
) | frozenset(("benchmark",))
"""The settings that a selection depends on."""


class Selection(Struct, frozen=True):
    """`tasks` count; `held_out` are those that no job of the run ever touches."""

    tasks: tuple[TaskId, ...]
    held_out: tuple[TaskId, ...] = ()


class Searched:
    """A benchmark of which only some tasks can be seen. Fulfils `dgm.protocols.Benchmark`."""

    def __init__(self, benchmark: Benchmark, tasks: Iterable[TaskId]) -> None:
        self._benchmark = benchmark
        self._tasks = tuple(tasks)
        self._known = frozenset(self._tasks)
        self.name = benchmark.name
        self.version = benchmark.version

    def tasks(self) -> Sequence[TaskId]:
        return self._tasks

    def task(self, id: TaskId) -> Task:
        return self._benchmark.task(self._seen(id))

    def fingerprint(self, id: TaskId) -> str:
        return self._benchmark.fingerprint(self._seen(id))

    def grade(self, id: TaskId, patch: Patch, sandbox: Sandbox, job: JobId) -> Grade:
        return self._benchmark.grade(self._seen(id), patch, sandbox, job)

    def reference(self, id: TaskId) -> Patch | None:
        return self._benchmark.reference(self._seen(id))

    def _seen(self, id: TaskId) -> TaskId:
        if id not in self._known:
            raise KeyError(id)
        return id


def settled(tree: Tree, differing: Collection[str]) -> bool:
    """Whether the selection that is on record holds."""
    return bool(tree.config) and not KEYS & set(differing)


def selected(
    run: RunConfig, benchmark: Benchmark, tree: Tree, differing: Collection[str], unfit: Collection[TaskId] = ()
) -> Selection:
    """The selection of the run whose log is `tree`: the one on record, unless settings that it depends on differ.

    What was once held out stays so, unless that is what differs; and what was searched is never held out later.
    Raises as `choose` does.
    """
    if not tree.config:
        return choose(run, benchmark, unfit)
    if settled(tree, differing):
        return Selection(tree.tasks, tree.held_out)
    known = set(benchmark.tasks())
    kept = [task for task in tree.held_out if task in known]
    if "run.held_out" not in differing and (kept or not tree.held_out):  # else it is another benchmark
        return choose(run, benchmark, unfit, kept)
    met = {task for agent in tree.agents.values() for task in (*agent.results, *agent.evaluating)}
    return choose(run, benchmark, unfit, met=met)


def choose(
    run: RunConfig,
    benchmark: Benchmark,
    unfit: Collection[TaskId] = (),
    held_out: Sequence[TaskId] | None = None,
    met: Collection[TaskId] = (),
) -> Selection:
    """Select by the settings. `unfit`: never selected. `held_out`: set aside already. `met`: cannot be held out.

    Raises `ConfigError` for ids and subsets that are not there, and for numbers that are too large.
    """
    every = benchmark.tasks()
    pool = members(run, "run.subset", run.subset, benchmark) if run.subset else every
    pool = sorted(set(pool) - set(unfit))
    named = listed("run.tasks", run.tasks, benchmark) if isinstance(run.tasks, tuple) else []
    if held_out is None:
        held_out = set_aside(run, benchmark, pool, set(unfit), {*named, *met})
    held_out = [task for task in held_out if task not in unfit]
    if clash := [task for task in named if task in held_out]:
        raise ConfigError(f"run.tasks has {clash[0]}, which is held out")
    if isinstance(run.tasks, tuple):
        tasks = [task for task in named if task not in unfit]
    else:
        free = sorted(set(pool) - set(held_out))
        tasks = drawn(run, "run.tasks", run.tasks or len(free), free, benchmark)
    if not tasks:
        raise ConfigError(f"no task of {benchmark.name} is left to search on: {len(held_out)} are held out")
    return Selection(tuple(tasks), tuple(held_out))


def set_aside(
    run: RunConfig, benchmark: Benchmark, pool: Collection[TaskId], unfit: set[TaskId], taken: set[TaskId]
) -> list[TaskId]:
    """The tasks to hold out, none of which may be `taken`. Raises `ConfigError`."""
    wanted = run.held_out
    if isinstance(wanted, int):
        return drawn(run, "run.held_out", wanted, sorted(set(pool) - taken), benchmark)
    if isinstance(wanted, str):
        ids = members(run, "run.held_out", wanted, benchmark)
    else:
        ids = listed("run.held_out", wanted, benchmark)
    if clash := sorted(set(ids) & taken):
        raise ConfigError(f"run.held_out has {clash[0]}, which is searched: a task is one or the other")
    return sorted(set(ids) - unfit)


# ---------------------------------------------------------------- by name


def check_names(run: RunConfig) -> None:
    """Raises `ConfigError` for subsets that are not there: all that can be said before the benchmark is opened."""
    for key, name in (("run.subset", run.subset), ("run.held_out", run.held_out)):
        if name and isinstance(name, str):
            subset_lines(run, key, name)


def members(run: RunConfig, key: str, name: str, benchmark: Benchmark) -> list[TaskId]:
    """The tasks of the subset `name`: a file in the benchmark's `subsets/`, or the path of one.

    Raises `ConfigError`.
    """
    lines = subset_lines(run, key, name)
    return listed(f"{key} {name}", [words for line in lines if (words := line.partition("#")[0].strip())], benchmark)


def subset_lines(run: RunConfig, key: str, name: str) -> list[str]:
    """What stands in the subset's file. Raises `ConfigError`."""
    folder = shipped("benchmarks", run.benchmark) / "subsets"
    path = Path(name).expanduser() if "/" in name or name.endswith(".txt") else folder / f"{name}.txt"
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        known = ", ".join(sorted(path.stem for path in folder.glob("*.txt"))) or "none"
        raise ConfigError(
            f"{key}: no subset {name!r}; {run.benchmark} has {known}, and a path such as ./mine.txt means a file of "
            "yours, with the id of a task on each line"
        ) from error


def listed(what: str, ids: Iterable[str], benchmark: Benchmark) -> list[TaskId]:
    """`ids` as the benchmark has them, each once; the benchmark's name before them may be left out.

    Raises `ConfigError`.
    """
    known = set(benchmark.tasks())
    full = dict.fromkeys(
        id if id in known else f"{benchmark.name}/{id.removeprefix(benchmark.name + '/')}" for id in ids
    )
    if unknown := [id for id in full if id not in known]:
        raise ConfigError(
            f"{what}: {len(unknown)} of {len(full)} ids are no tasks of {benchmark.name}, which has {len(known)}: "
            f"there is no {unknown[0]!r}{suggestion(unknown[0], sorted(known))}"
        )
    return list(full)


# ---------------------------------------------------------------- by lot


def drawn(run: RunConfig, key: str, number: int, ids: Sequence[TaskId], benchmark: Benchmark) -> list[TaskId]:
    """`number` of the sorted `ids`, in that order, drawn by `run.random_seed` for the setting `key`.

    Each id has a rank of its own, so that without one of them the others are hardly drawn differently.
    """
    if not 0 <= number <= len(ids):
        raise ConfigError(f"{key} is {number}, but there are {len(ids)} tasks to draw from in {benchmark.name}")
    if number == len(ids):
        return list(ids)

    def rank(name: str) -> bytes:
        return sha256(f"{run.random_seed} {key} {name}".encode()).digest()

    ranked = sorted(ids, key=rank)
    if run.sample == "random":
        return sorted(ranked[:number])
    groups: dict[str, list[TaskId]] = defaultdict(list)
    for id in ranked:
        groups[benchmark.task(id).group].append(id)
    share = shares({name: len(group) for name, group in groups.items()}, number, rank)
    return sorted(id for name, group in groups.items() for id in group[: share[name]])


def shares(sizes: Mapping[str, int], number: int, rank: Callable[[str], bytes]) -> dict[str, int]:
    """How many of `number` fall to each group, by largest remainders; of equal ones, `rank` decides."""
    total = sum(sizes.values())
    names = sorted(sizes, key=lambda name: (-(number * sizes[name] % total), rank(name)))
    share = {name: number * sizes[name] // total for name in names}
    for name in names[: number - sum(share.values())]:
        share[name] += 1
    return share
