"""What every benchmark promises; and that the starter benchmark is sound."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from dgm.benchmarks import FolderBenchmark, PolyglotBenchmark
from dgm.config import SandboxConfig
from dgm.files import patched
from dgm.protocols import Benchmark, Errand, Limits, Patch, Sandbox
from dgm.readiness import examine
from dgm.sandbox.local import LocalSandbox
from tests.benchmarks.samples import exercises, sample, shop
from tests.starter import starter

SLOTS = os.cpu_count() or 2


@pytest.fixture(
    scope="module",
    params=["local", pytest.param("docker", marks=pytest.mark.docker)],
)
def sandbox(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    if request.param == "local":
        yield LocalSandbox("benchmarks")
    else:
        from dgm.sandbox.docker import DockerSandbox

        yield DockerSandbox("benchmarks", SandboxConfig(image=os.environ.get("DGM_TEST_IMAGE", "dgm-test-base:latest")))


SMALL = ("shop", "exercises", "sample")


@pytest.fixture(params=["starter", *SMALL])
def benchmark(request: pytest.FixtureRequest, tmp_path: Path) -> Benchmark:
    match request.param:
        case "shop":
            return FolderBenchmark(shop(tmp_path / "shop"))
        case "exercises":
            return PolyglotBenchmark(exercises(tmp_path / "exercises"))
        case "sample":
            return PolyglotBenchmark(sample(tmp_path / "sample"))
        case _:
            return starter()


# ---------------------------------------------------------------- the contract


def test_ids_are_unique_and_named_after_the_benchmark(benchmark: Benchmark) -> None:
    ids = benchmark.tasks()
    assert ids
    assert len(set(ids)) == len(ids)
    assert list(ids) == list(benchmark.tasks())
    assert all(id.startswith(f"{benchmark.name}/") and id.count("/") == 1 for id in ids)


def test_a_task_is_complete(benchmark: Benchmark) -> None:
    for id in benchmark.tasks():
        task = benchmark.task(id)
        assert task.id == id
        assert task.statement.strip()
        assert task.files


def test_unknown_tasks_are_key_errors(benchmark: Benchmark, tmp_path: Path) -> None:
    sandbox = LocalSandbox("benchmarks")
    for call in (benchmark.task, benchmark.reference, lambda id: benchmark.grade(id, Patch(), sandbox, 0)):
        with pytest.raises(KeyError):
            call(f"{benchmark.name}/no such task")


def test_neither_reference_nor_hidden_tests_are_shown(benchmark: Benchmark) -> None:
    for id in benchmark.tasks():
        shown = benchmark.task(id).files
        reference = benchmark.reference(id)
        assert reference is not None
        assert not any("hidden" in path or path.startswith(".") for path in shown)
        assert patched(shown, reference.changed, reference.deleted) != shown


@pytest.mark.parametrize("benchmark", [pytest.param("starter", marks=pytest.mark.slow), *SMALL], indirect=True)
def test_sound(benchmark: Benchmark) -> None:
    """Each reference is solved, each untouched task is not."""
    sandbox = LocalSandbox("benchmarks")
    with ThreadPoolExecutor(SLOTS) as pool:
        found = pool.map(lambda task: examine(benchmark, task, sandbox, 1), benchmark.tasks())
        assert [one for one in found if one.kind != "sound"] == []


def test_an_empty_workspace_is_unsolved(benchmark: Benchmark, sandbox: Sandbox) -> None:
    for id in benchmark.tasks()[:2]:
        patch = Patch(deleted=tuple(benchmark.task(id).files))
        assert not benchmark.grade(id, patch, sandbox, 1).solved


def test_references_in_every_sandbox(benchmark: Benchmark, sandbox: Sandbox) -> None:
    for id in benchmark.tasks()[:3]:
        grade = benchmark.grade(id, benchmark.reference(id) or Patch(), sandbox, 1)
        assert grade.solved, grade.report
        assert grade.flags == ()


# ---------------------------------------------------------------- the starter benchmark


@pytest.mark.slow
def test_visible_tests_pass_with_the_reference() -> None:
    whole, sandbox = starter(), LocalSandbox("benchmarks")

    def passes(id: str) -> bool:
        reference = whole.reference(id)
        assert reference is not None
        laid = patched(whole.task(id).files, reference.changed, reference.deleted)
        command = ("{python}", "-B", "-m", "unittest", "discover")
        return sandbox.run(Errand(0, command, laid, limits=Limits(seconds=60))).exit == 0

    with ThreadPoolExecutor(SLOTS) as pool:
        verdicts = dict(zip(whole.tasks(), pool.map(passes, whole.tasks()), strict=True))
    assert [id for id, passed in verdicts.items() if not passed] == []
