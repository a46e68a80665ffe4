"""What a run stands on: tasks that can be trusted on this machine, and images that stay what they were."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from dgm import settings
from dgm.archive import Archive
from dgm.benchmarks import open_benchmark
from dgm.config import Config, ConfigError, SandboxConfig
from dgm.events import RunConfigured
from dgm.ground import images_of
from dgm.protocols import SandboxFault
from dgm.readiness import Finding, Findings, prepare
from dgm.report import status
from dgm.run import start_run
from dgm.sandbox import open_sandbox
from dgm.sandbox.local import LocalSandbox
from dgm.selection import Selection
from dgm.tree import Tree
from tests.benchmarks.samples import RIGHT, shop


@pytest.fixture
def tasks(tmp_path: Path) -> Path:
    """Two sound tasks, and `price`, which is solved from the start."""
    folder = shop(tmp_path / "shop")
    for name in ("bill", "cart"):
        (folder / "tasks/price").rename(folder / "tasks" / name)
        shop(folder)
    (folder / "tasks/price/work/shop/price.py").write_text(RIGHT)
    return folder


def chosen(tasks: Path, *more: str) -> Config:
    few = ["run.evaluations=2", "run.slots=1", "policy.seed_evaluations=2", "policy.warm_start=0"]
    return settings.load(None, {}, ["sandbox.kind=local", f"run.benchmark={tasks}", *few, *more])


def prepared(config: Config, *names: str) -> None:
    benchmark = open_benchmark(config.run.benchmark, config.grading)
    findings = Findings(benchmark, LocalSandbox("ground"), config)
    ids = [f"shop/{name}" for name in names] or benchmark.tasks()
    assert len(list(prepare(findings, ids, lambda image, stop: None, 1, 2))) == len(ids)


def opened(folder: Path, config: Config, *amend: str) -> Tree:
    with start_run(config, folder, {}, amend) as run:
        return run.worker.archive.tree


def test_a_run_stops_at_tasks_that_nobody_has_looked_at(tmp_path: Path, tasks: Path) -> None:
    config = chosen(tasks)
    prepared(config, "bill")
    with pytest.raises(SandboxFault, match=r"2 of 3 tasks were never checked .*shop/cart: `dgm prepare` them first"):
        opened(tmp_path / "run", config)
    with Archive(tmp_path / "run") as archive:
        assert not archive.tree.length
    assert opened(tmp_path / "other", chosen(tasks, "run.unprepared=true")).tasks == (
        "shop/bill",
        "shop/cart",
        "shop/price",
    )
    for _ in range(2):
        assert opened(tmp_path / "run", chosen(tasks, 'run.tasks=["bill"]')).tasks == ("shop/bill",)


def test_a_benchmark_that_is_proven_needs_no_preparing(tmp_path: Path, tasks: Path) -> None:
    with (tasks / "benchmark.toml").open("a") as file:
        file.write("proven = true\n")
    assert len(opened(tmp_path / "run", chosen(tasks)).tasks) == 3
    prepared(chosen(tasks))
    assert len(opened(tmp_path / "other", chosen(tasks)).tasks) == 2, "but what was found out counts"


def test_what_cannot_be_trusted_is_left_out_and_told(tmp_path: Path, tasks: Path) -> None:
    prepared(chosen(tasks))
    tree = opened(tmp_path / "run", chosen(tasks))
    assert tree.tasks == ("shop/bill", "shop/cart")
    assert list(tree.quarantined) == ["shop/price"]
    assert tree.quarantined["shop/price"].startswith("floor: ")
    assert status(tree, None, 0.0).quarantined == tree.quarantined
    for number in range(5):
        drawn = opened(tmp_path / f"drawn{number}", chosen(tasks, "run.tasks=1", f"run.random_seed={number}"))
        assert drawn.tasks in (("shop/bill",), ("shop/cart",))
    with pytest.raises(ConfigError, match=r"1 that `dgm prepare` found unfit"):
        opened(tmp_path / "none", chosen(tasks, 'run.tasks=["price"]'))


def test_a_run_keeps_its_tasks_whatever_is_found_out_later(tmp_path: Path, tasks: Path, cache_of_its_own: Path) -> None:
    prepared(chosen(tasks))
    before = opened(tmp_path / "run", chosen(tasks))
    for finding in (cache_of_its_own / "tasks").iterdir():
        finding.unlink()
    after = opened(tmp_path / "run", chosen(tasks))
    assert (after.tasks, after.quarantined, after.length) == (before.tasks, before.quarantined, before.length)
    amended = opened(tmp_path / "run", chosen(tasks, "run.evaluations=3"), "run.evaluations")
    assert (amended.tasks, amended.quarantined) == (before.tasks, before.quarantined)
    with pytest.raises(SandboxFault, match="never checked"):
        opened(tmp_path / "run", chosen(tasks, "run.evaluations=3", 'run.tasks=["bill"]'), "run.tasks")


def test_a_held_out_task_that_cannot_be_trusted_is_no_longer_held_out(tmp_path: Path, tasks: Path) -> None:
    config = chosen(tasks, "run.held_out=2", "run.unprepared=true")
    while opened(tmp_path / "run", config).tasks == ("shop/price",):
        (tmp_path / "run").rename(tmp_path / f"run{config.run.random_seed}")
        config = replace(config, run=replace(config.run, random_seed=config.run.random_seed + 1))
    prepared(config)
    amended = opened(tmp_path / "run", replace(config, run=replace(config.run, tasks=1)), "run.tasks")
    assert {*amended.tasks, *amended.held_out} == {"shop/bill", "shop/cart"}
    assert list(amended.quarantined) == ["shop/price"]


def test_another_benchmark_has_held_out_tasks_of_its_own(tmp_path: Path, tasks: Path) -> None:
    few = ["run.held_out=1", "run.unprepared=true"]
    assert opened(tmp_path / "run", chosen(tasks, *few)).held_out[0].startswith("shop/")
    other = opened(tmp_path / "run", chosen(tasks, *few, "run.benchmark=starter"), "run.benchmark", "benchmark")
    assert len(other.held_out) == 1
    assert other.held_out[0].startswith("starter/")
    assert not {*other.tasks} & {*other.held_out}


def test_images_that_are_not_what_they_were(tmp_path: Path, tasks: Path, cache_of_its_own: Path) -> None:
    config, folder = chosen(tasks), tmp_path / "run"
    prepared(config)
    tree = opened(folder, config)
    assert tree.images == {"": LocalSandbox("ground").identity(None)}

    def pretend(images: dict[str, str]) -> int:
        with Archive(folder) as archive:
            tree = archive.tree
            event = RunConfigured(1.0, "0", tree.config, tree.tasks, tree.benchmark)
            archive.configure(replace(event, images=images, quarantined=tree.quarantined))
            return tree.length

    length = pretend({})
    assert opened(folder, config).length == length, "an older version has not written them down"
    pretend({"": "sha256:old", "never:used": "sha256:x"})
    with pytest.raises(ConfigError, match=r"the default one was sha256:old, is local:.*--amend images"):
        opened(folder, config)
    amended = opened(folder, config, "images")
    assert amended.images == tree.images
    assert list(amended.quarantined) == ["shop/price"]
    assert opened(folder, config).length == amended.length

    for finding in (cache_of_its_own / "tasks").iterdir():
        finding.unlink()
    assert opened(folder, config).length == amended.length, (
        "a run keeps its tasks, as long as their images are the same"
    )
    pretend({"": "sha256:old"})
    with pytest.raises(SandboxFault, match="2 of 2 tasks were never checked"):
        opened(folder, config, "images")
    prepared(config)
    benchmark = open_benchmark(config.run.benchmark, config.grading)
    Findings(benchmark, LocalSandbox("ground"), config).keep(
        Finding("shop/bill", "floor", "it is solved from the start")
    )
    with pytest.raises(ConfigError, match=r"1 tasks are unfit in the images as they are now, such as shop/bill .floor"):
        opened(folder, config, "images")


@pytest.mark.docker
def test_images_of_held_out_tasks_mean_a_content_too(tmp_path: Path) -> None:
    from tests.sandbox.registry import BASE

    folder = shop(tmp_path / "shop")
    for name, image in (("here", BASE), ("gone", "no/such:image")):
        (folder / "tasks/price").rename(folder / "tasks" / name)
        (folder / "tasks" / name / "task.toml").write_text(f'image = "{image}"\n')
        shop(folder)
    sandbox = open_sandbox(SandboxConfig(kind="docker", image=BASE), "ground", True)
    try:
        selection = Selection(("shop/price",), ("shop/gone", "shop/here"))
        found = images_of(open_benchmark(str(folder)), selection, sandbox)
        assert found == {"": sandbox.identity(None), BASE: sandbox.identity(BASE)}, "and nothing is fetched for them"
        with pytest.raises(SandboxFault, match="no/such:image is not here"):
            images_of(open_benchmark(str(folder)), Selection(("shop/gone",)), sandbox)
    finally:
        sandbox.close()
