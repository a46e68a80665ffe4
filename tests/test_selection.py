"""What counts in a run, and what no part of it ever sees."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dgm import settings
from dgm.benchmarks import open_benchmark
from dgm.config import Config, ConfigError, RunConfig
from dgm.llm.scripted import ScriptedModel
from dgm.log import LogReader
from dgm.protocols import Benchmark, Task
from dgm.replay import measure
from dgm.run import models_of, start_run
from dgm.selection import Selection, choose
from dgm.shipped import shipped
from dgm.tree import Tree
from tests.starter import starter

LOCAL = ["sandbox.kind=local", "run.evaluations=6", "run.slots=1", "policy.seed_evaluations=4", "policy.warm_start=1"]


@dataclass
class Grouped:
    """As much of a benchmark as choosing needs: tasks in some order, with groups."""

    groups: dict[str, str]
    name: str = "starter"

    def tasks(self) -> list[str]:
        return list(self.groups)

    def task(self, id: str) -> Task:
        return Task(id, "", group=self.groups[id])


def of(sizes: dict[str, int]) -> Any:
    return Grouped({f"starter/{name}-{n}": name for name, size in sizes.items() for n in range(size)})


def sizes() -> st.SearchStrategy[dict[str, int]]:
    return st.dictionaries(st.sampled_from("abcdef"), st.integers(1, 12), min_size=1)


@given(sizes(), st.data(), st.sampled_from(["random", "stratified"]), st.integers(0, 99))
def test_samples_are_disjoint_exact_and_independent_of_order(
    sizes: dict[str, int], data: st.DataObject, sample: str, seed: int
) -> None:
    benchmark = of(sizes)
    everything = benchmark.tasks()
    held_out = data.draw(st.integers(0, len(everything) - 1))
    wanted = data.draw(st.integers(0, len(everything) - held_out))
    run = msgspec.convert(
        {"tasks": wanted, "held_out": held_out, "sample": sample, "random_seed": seed}, type=RunConfig
    )
    chosen = choose(run, benchmark)
    assert len(set(chosen.held_out)) == len(chosen.held_out) == held_out
    assert len(set(chosen.tasks)) == len(chosen.tasks) == (wanted or len(everything) - held_out)
    assert not set(chosen.tasks) & set(chosen.held_out)
    shuffled = data.draw(st.permutations(everything))
    assert choose(run, Grouped({id: benchmark.groups[id] for id in shuffled})) == chosen  # type: ignore[arg-type]
    fewer = msgspec.structs.replace(run, tasks=1)
    assert choose(fewer, benchmark).held_out == chosen.held_out, "what is held out hangs on nothing else"


@given(sizes(), st.data(), st.integers(0, 99))
def test_a_stratified_sample_has_of_each_group_its_share_but_for_less_than_one(
    sizes: dict[str, int], data: st.DataObject, seed: int
) -> None:
    benchmark = of(sizes)
    total = sum(sizes.values())
    wanted = data.draw(st.integers(1, total))
    chosen = choose(RunConfig(tasks=wanted, sample="stratified", random_seed=seed), benchmark)
    share = Counter(benchmark.groups[id] for id in chosen.tasks)
    assert all(abs(share[name] - wanted * size / total) < 1 for name, size in sizes.items())


@given(sizes(), st.data(), st.sampled_from(["random", "stratified"]), st.integers(0, 99))
def test_a_task_that_is_unfit_hardly_changes_what_is_drawn_beside_it(
    sizes: dict[str, int], data: st.DataObject, sample: str, seed: int
) -> None:
    benchmark = of(sizes)
    total = sum(sizes.values())
    run = msgspec.convert(
        {"tasks": data.draw(st.integers(1, max(1, total - 1))), "sample": sample, "random_seed": seed}, type=RunConfig
    )
    before = set(choose(run, benchmark).tasks)
    unfit = data.draw(st.sampled_from(sorted(before)))
    if total > 1:
        lost = before - {unfit} - set(choose(run, benchmark, {unfit}).tasks)
        lost_of = Counter(benchmark.groups[id] for id in lost)
        assert max(lost_of.values(), default=0) <= (sample == "stratified"), "a group's share may change by one"


def test_another_seed_draws_others() -> None:
    draws = {choose(RunConfig(tasks=5, random_seed=seed), of({"a": 50})).tasks for seed in range(10)}
    assert len(draws) == 10


@pytest.fixture(scope="module")
def benchmark(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The path of a copy of the starter benchmark with subsets of its own."""
    folder = tmp_path_factory.mktemp("benchmarks") / "mine"
    (folder / "subsets").mkdir(parents=True)
    for name in ("benchmark.toml", "tasks"):
        (folder / name).symlink_to(shipped("benchmarks", "starter") / name)
    (folder / "subsets" / "three.txt").write_text("# facts\nstarter/slug\n\nledger  # a remark\nmatrix\n")
    (folder / "subsets" / "two.txt").write_text("options\ntrie\n")
    return str(folder)


@pytest.fixture(scope="module")
def mine(benchmark: str) -> Benchmark:
    return open_benchmark(benchmark)


def test_subsets_come_from_the_benchmarks_folder_or_from_a_path(benchmark: str, mine: Benchmark) -> None:
    assert choose(RunConfig(benchmark=benchmark, subset="three"), mine).tasks == (
        "starter/ledger",
        "starter/matrix",
        "starter/slug",
    )
    two = f"{benchmark}/subsets/two.txt"
    assert choose(RunConfig(benchmark=benchmark, subset=two), mine).tasks == ("starter/options", "starter/trie")
    run = RunConfig(benchmark=benchmark, subset="three", tasks=2, held_out="two")
    assert choose(run, mine).held_out == ("starter/options", "starter/trie")
    run = RunConfig(benchmark=benchmark, subset="three", held_out=("slug",))
    assert choose(run, mine) == Selection(("starter/ledger", "starter/matrix"), ("starter/slug",))
    assert choose(run, mine, unfit={"starter/ledger"}).tasks == ("starter/matrix",)


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ({"subset": "there"}, "no subset 'there'; .*mine has three, two"),
        ({"subset": "/etc"}, "no subset '/etc'"),
        ({"tasks": ("slugg", "trie")}, "1 of 2 ids are no tasks of starter, which has .*mean `starter/slug`"),
        ({"tasks": 4, "subset": "three"}, "run.tasks is 4, but there are 3"),
        ({"tasks": 2, "subset": "three", "held_out": 2}, "run.tasks is 2, but there are 1"),
        ({"held_out": 3, "subset": "three"}, "left to search on: 3 are held out"),
        ({"held_out": -1}, "run.held_out is -1"),
        ({"tasks": ("slug",), "held_out": ("slug",)}, "run.held_out has starter/slug, which is searched"),
        ({"tasks": ()}, "left to search on"),
    ],
)
def test_what_cannot_be_chosen_is_said(benchmark: str, mine: Benchmark, wanted: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        choose(RunConfig(benchmark=benchmark, **wanted), mine)


def chosen(*words: str) -> Config:
    return settings.load(None, {}, [*LOCAL, *words])


def test_nothing_of_a_run_ever_meets_a_task_that_is_held_out(tmp_path: Path) -> None:
    config = chosen("run.tasks=4", "run.held_out=20", "run.sample=stratified")
    with start_run(config, tmp_path / "run", {}) as run:
        worker, tree = run.worker, run.worker.archive.tree
        assert len(tree.held_out) == 20
        assert run.go().code == 0
        assert tree.evaluations == 6
        model = models_of(config, worker.benchmark, {})["solve"][1]
        assert isinstance(model, ScriptedModel)
        assert sorted(each.id for each in model._exercises) == sorted(tree.tasks)
        for task in tree.held_out:
            for forbidden in (worker.benchmark.task, worker.benchmark.reference, worker.benchmark.fingerprint):
                with pytest.raises(KeyError):
                    forbidden(task)
    # What is on the disk names them once, as held out; and says nothing of what they ask for.
    events = list(LogReader(tmp_path / "run" / "events.log").events())
    assert events[0].held_out == tree.held_out  # type: ignore[union-attr]
    said = b"".join(path.read_bytes() for path in (tmp_path / "run" / "artifacts").rglob("*") if path.is_file())
    said += b"".join(msgspec.json.encode(event) for event in events[1:])
    assert said
    whole = starter()
    for task in tree.held_out:
        assert task.encode() not in said
        statement = msgspec.json.encode(whole.task(task).statement[:80])[1:-1]
        assert statement not in said


def test_a_resumed_run_has_its_tasks_from_the_log(tmp_path: Path) -> None:
    subset = tmp_path / "few.txt"
    subset.write_text("slug\ntrie\nmatrix\nledger\n")
    words = [f"run.subset={subset}", "run.held_out=1", "run.tasks=2"]
    with start_run(chosen(*words), tmp_path / "run", {}) as run:
        first = Selection(run.worker.archive.tree.tasks, run.worker.archive.tree.held_out)
    subset.write_text("options\n")
    amended: Callable[..., Tree] = lambda *more, amend=(): reopened(tmp_path / "run", chosen(*words, *more), amend)  # noqa: E731
    tree = amended()
    assert Selection(tree.tasks, tree.held_out) == first
    subset.write_text("slug\ntrie\nmatrix\nledger\noptions\n")
    tree = amended("run.tasks=0", amend=["run.tasks"])
    assert tree.held_out == first.held_out, "what was held out stays so"
    assert len(tree.tasks) == 4
    assert not set(tree.tasks) & set(tree.held_out)


def reopened(folder: Path, config: Config, amend: list[str]) -> Tree:
    with start_run(config, folder, {}, amend) as run:
        return run.worker.archive.tree


def test_what_was_searched_is_not_held_out_later(tmp_path: Path) -> None:
    with start_run(chosen("run.tasks=4", "run.evaluations=4"), tmp_path / "run", {}) as run:
        run.go()
        met = set(run.worker.archive.tree.tasks)
    more = ["run.tasks=4", "run.evaluations=4"]
    task = min(met)
    with pytest.raises(ConfigError, match="which is searched"):
        reopened(tmp_path / "run", chosen(*more, f'run.held_out=["{task}"]'), ["run.held_out"])
    tree = reopened(tmp_path / "run", chosen(*more, "run.held_out=20"), ["run.held_out"])
    assert len(tree.held_out) == 20
    assert not met & set(tree.held_out)


def test_what_a_replay_has_shown_is_not_held_out_later(tmp_path: Path) -> None:
    more = ["run.tasks=4", "run.evaluations=4"]
    with start_run(chosen(*more), tmp_path / "run", {}) as run:
        run.go()
        archive = run.worker.archive
        tree, source = archive.tree, archive.source(archive.tree.seeds[0].id)
    shown, other = [task for task in open_benchmark("starter").tasks() if task not in tree.tasks][:2]
    measure({"seed": source}, [shown], chosen(), tmp_path / "run" / "replays" / "mine", {})
    with pytest.raises(ConfigError, match="was met in replays/mine"):
        reopened(tmp_path / "run", chosen(*more, f'run.held_out=["{shown}"]'), ["run.held_out"])
    assert reopened(tmp_path / "run", chosen(*more, f'run.held_out=["{other}"]'), ["run.held_out"]).held_out == (other,)


def test_a_mistake_leaves_no_folder(tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        start_run(chosen("run.subset=none"), tmp_path / "run", {})
    assert not (tmp_path / "run").exists()
