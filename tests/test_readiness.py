"""Which tasks can be trusted: what is found out about good and bad ones, what is kept of it, and what is not."""

import shutil
from collections.abc import Iterable
from pathlib import Path
from threading import Event

import pytest

from dgm.benchmarks import FolderBenchmark
from dgm.config import Config
from dgm.jobs import JobId, TaskId
from dgm.protocols import Cancelled, Grade, Limits, Patch, Sandbox, SandboxFault
from dgm.readiness import Finding, Findings, examine, prepare
from dgm.sandbox import Unavailable
from dgm.sandbox.local import LocalSandbox
from dgm.settings import build
from dgm.text import clip
from tests.benchmarks.samples import RIGHT, WRONG, commanded, shop

PRICE = "shop/price"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return shop(tmp_path / "shop")


class Counted(FolderBenchmark):
    """Counts its gradings, of which some may fail for the environment's sake."""

    gradings, faulty = 0, False

    def grade(self, id: TaskId, patch: Patch, sandbox: Sandbox, job: JobId) -> Grade:
        self.gradings += 1
        if self.faulty:
            raise SandboxFault("no space")
        return super().grade(id, patch, sandbox, job)


def fetch(image: str | None, stop: Event) -> None:
    """There is nothing to fetch."""


def opened(benchmark: FolderBenchmark, config: Config = Config()) -> Findings:
    return Findings(benchmark, LocalSandbox("readiness"), config)


def look(
    findings: Findings, tasks: Iterable[TaskId] = (PRICE,), times: int = 2, again: bool = False
) -> dict[TaskId, Finding | SandboxFault]:
    return dict(prepare(findings, tasks, fetch, times, 2, again))


def test_a_word_is_said_while_nothing_is_found_out(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told, heard = Event(), list[list[TaskId]]()

    def say(what: str, under_way: list[TaskId]) -> None:
        heard.append(under_way)
        told.set()

    monkeypatch.setattr("dgm.readiness.QUIET", 1)
    asked = prepare(opened(FolderBenchmark(folder)), [PRICE], lambda image, stop: told.wait(60.0), 1, 1, say=say)
    assert [task for task, _ in asked] == [PRICE]
    assert heard[0] == [PRICE]


def test_a_sound_task(folder: Path) -> None:
    assert look(opened(FolderBenchmark(folder))) == {PRICE: Finding(PRICE, "sound", times=2)}


def test_a_reference_that_fails(folder: Path) -> None:
    (folder / "tasks/price/solution/shop/price.py").write_text(WRONG)
    finding = examine(FolderBenchmark(folder), PRICE, LocalSandbox("readiness"))
    assert finding.kind == "ceiling"
    assert finding.unfit.startswith("ceiling: the reference is graded unsolved 2 of 2 times: ")
    assert "AssertionError" in finding.reason, "what failed stands at the end of a report"
    assert "broken" in clip(finding.unfit, 200), "a line of progress holds all of it"


def test_a_task_that_is_solved_from_the_start(folder: Path) -> None:
    (folder / "tasks/price/work/shop/price.py").write_text(RIGHT)
    finding = examine(FolderBenchmark(folder), PRICE, LocalSandbox("readiness"), times=1)
    assert finding.unfit == "floor: the untouched state is graded solved 1 of 1 times"


def test_a_task_that_flickers(tmp_path: Path) -> None:
    flicker = commanded(tmp_path / "odd", f"echo x >> {tmp_path}/seen; test $(($(wc -l < {tmp_path}/seen) % 2)) = 0")
    finding = examine(FolderBenchmark(flicker), "odd/task", LocalSandbox("readiness"), times=3)
    assert finding.kind == "flicker"
    assert "2 of 3 times" in finding.reason


def test_a_task_without_a_reference_is_noted(folder: Path) -> None:
    shutil.rmtree(folder / "tasks/price/solution")
    finding = examine(FolderBenchmark(folder), PRICE, LocalSandbox("readiness"))
    assert (finding.kind, finding.reference, finding.unfit) == ("sound", False, "")
    assert "no reference" in finding.reason


def test_what_was_found_out_is_not_found_out_twice(folder: Path, cache_of_its_own: Path) -> None:
    benchmark = Counted(folder)
    first = look(opened(benchmark))
    assert benchmark.gradings == 6
    assert look(opened(benchmark)) == look(opened(benchmark), times=1) == first
    assert benchmark.gradings == 6
    look(opened(benchmark), times=3)
    look(opened(benchmark), again=True)
    assert benchmark.gradings == 6 + 9 + 9, "as often as it is known to take"
    (kept,) = (cache_of_its_own / "tasks").iterdir()
    for damage in (kept.read_bytes()[:-5], b"\xff", b"", b'{"task":"shop/other","kind":"sound"}', b'{"kind":1}'):
        kept.write_bytes(damage)
        assert opened(benchmark).unknown([PRICE]) == [PRICE]


def test_another_task_or_other_limits_are_another_matter(folder: Path) -> None:
    look(opened(FolderBenchmark(folder)))
    assert not opened(FolderBenchmark(folder)).unknown([PRICE])
    assert opened(FolderBenchmark(folder), build({"grading": {"seconds": 7.0}})).unknown([PRICE])
    (folder / "tasks/price/task.md").write_text("Something else.")
    assert opened(FolderBenchmark(folder)).unknown([PRICE])


def test_what_the_environment_did_is_no_finding(folder: Path, cache_of_its_own: Path) -> None:
    benchmark = Counted(folder)
    benchmark.faulty = True
    (told,) = look(opened(benchmark)).values()
    assert isinstance(told, SandboxFault)
    assert not (cache_of_its_own / "tasks").exists()
    benchmark.faulty = False
    (told,) = look(opened(benchmark)).values()
    assert isinstance(told, Finding)


def test_an_image_that_cannot_be_had_is_asked_for_again(folder: Path) -> None:
    def none(image: str | None, stop: Event) -> None:
        raise Unavailable("nobody has it")

    findings = opened(FolderBenchmark(folder))
    assert [*prepare(findings, [PRICE], none, 2, 1)] == [(PRICE, Finding(PRICE, "unavailable", "nobody has it"))]
    assert findings.unfit([PRICE]) == {PRICE: "not available: nobody has it"}
    assert look(findings)[PRICE] == Finding(PRICE, "sound", times=2)
    assert not findings.unfit([PRICE])


def test_closing_ends_what_is_under_way(tmp_path: Path) -> None:
    slow = commanded(tmp_path / "odd", "exec sleep 1000")
    (slow / "tasks/quick").mkdir()
    shutil.copytree(slow / "tasks/task", slow / "tasks/quick", dirs_exist_ok=True)
    (slow / "tasks/quick/task.toml").write_text('check.command = ["false"]\n')
    findings = opened(FolderBenchmark(slow, Limits(seconds=1000)), build({}))
    told = prepare(findings, ["odd/quick", "odd/task"], fetch, 1, 2)
    assert next(told)[0] == "odd/quick"
    told.close()
    assert findings.unknown(["odd/quick", "odd/task"]) == ["odd/task"]


def test_after_a_stop_nothing_is_graded(folder: Path) -> None:
    stop = Event()
    stop.set()
    with pytest.raises(Cancelled):
        examine(FolderBenchmark(folder), PRICE, LocalSandbox("readiness"), 1, stop)
