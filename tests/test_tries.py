"""Tasks with more than one try: what the agent gets before the next one, and that no try is ever paid for twice."""

import os
from dataclasses import dataclass, field
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dgm.archive import Archive
from dgm.attempt import REPORT_CHARACTERS, Attempt, harmless, together
from dgm.files import File, Files, patched
from dgm.jobs import Evaluate, Expand, Failure, Verdict
from dgm.protocols import Benchmark, Errand, Grade, Patch, Ran, Sandbox, SandboxFault, Task
from dgm.store import load
from dgm.work import Worker
from tests.shells import SMOKED, shell
from tests.starter import starter
from tests.test_work import Make, Parrot, evaluated, make, solving

__all__ = ["make"]
TASK = "starter/slug"


@dataclass
class Trying:
    """A benchmark whose tasks may be tried more often."""

    inner: Benchmark
    tries: int = 2

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def task(self, id: str) -> Task:
        return msgspec.structs.replace(self.inner.task(id), tries=self.tries)


class Killed(BaseException):
    """The driver is gone."""


@dataclass
class Deadly:
    """A sandbox in front of whose `killing`th errand the driver is killed."""

    inner: Sandbox
    killing: int
    runs: int = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def run(self, errand: Errand) -> Ran:
        self.runs += 1
        if self.runs == self.killing:
            raise Killed
        return self.inner.run(errand)


def learner(benchmark: Benchmark, also: str = "true") -> Files:
    """Fails at first, and solves the task once it was told what the tests print."""
    second = f"[ -f first.txt ] && rm first.txt && {also}\n{solving(benchmark, TASK)}"
    first = "echo 'def slugify(text): return 1' > pagekit/slug.py; echo 1 > first.txt; rm -f tests/test_*.py"
    return shell(f"{SMOKED}\nif grep -q 'Another try' $DGM_STATEMENT; then\n{second}\nelse\n{first}\nfi\n")


def learning(make: Make) -> tuple[Worker, Archive, Parrot]:
    """A worker whose agent is the `learner`, and who may try twice."""
    model = Parrot()
    worker, archive = make(learner(starter()), model)
    worker.benchmark = Trying(starter())  # type: ignore[assignment]
    return worker, archive, model


def test_the_next_try_finds_the_first_change_and_what_the_tests_printed(make: Make) -> None:
    benchmark = starter()
    model = Parrot()
    tell = 'cp "$DGM_STATEMENT" told.txt; ! ls tests/test_*.py && echo gone > state.txt'
    worker, archive = make(learner(benchmark, tell), model)
    worker.benchmark = Trying(benchmark)  # type: ignore[assignment]
    outcome = evaluated(worker, archive, TASK)
    assert isinstance(outcome, Verdict)
    attempt = load(archive.folder(1) / "attempt.json", Attempt)
    assert attempt is not None
    assert attempt.before is not None
    assert attempt.before.grade is not None
    assert not attempt.before.grade.solved
    told = attempt.patch.changed["told.txt"].data.decode()
    assert told.startswith(benchmark.task(TASK).statement.rstrip())
    assert harmless(attempt.before.grade.report) in told
    assert attempt.patch.changed["state.txt"].data == b"gone\n"
    assert "first.txt" not in attempt.patch.deleted
    assert "try 2 of 2" in outcome.flags
    assert len(model.calls) == 2
    assert outcome.usage.calls == 2
    assert outcome.usage.seconds == attempt.seconds + attempt.before.seconds
    assert (archive.folder(1) / "output.txt").read_text().count("chat.completion") == 2


def test_a_task_that_is_solved_at_once_is_not_tried_again(make: Make) -> None:
    benchmark = starter()
    model = Parrot()
    worker, archive = make(shell(solving(benchmark, TASK)), model)
    worker.benchmark = Trying(benchmark)  # type: ignore[assignment]
    outcome = evaluated(worker, archive, TASK)
    assert isinstance(outcome, Verdict)
    assert outcome.solved
    assert "try 1 of 2" in outcome.flags
    assert len(model.calls) == 1


def test_the_verdict_is_that_of_the_last_try(make: Make) -> None:
    model = Parrot()
    worker, archive = make(shell("echo 1 >> notes.txt"), model)
    worker.benchmark = Trying(worker.benchmark, 3)  # type: ignore[assignment]
    outcome = evaluated(worker, archive, TASK)
    assert isinstance(outcome, Verdict)
    assert not outcome.solved
    assert len(model.calls) == 3
    started = archive.start(Expand(archive.tree.seeds[0].id, TASK))
    evidence = worker.assign(started).evidence
    assert evidence is not None
    assert evidence.patch == "--- notes.txt\n1\n1\n1\n"
    assert evidence.transcript.count("--- reply") == 3


@pytest.mark.parametrize("killing", [1, 2, 3, 4])
def test_wherever_the_driver_is_killed_no_try_is_paid_for_twice(make: Make, killing: int) -> None:
    worker, archive, model = learning(make)
    sandbox = worker.sandbox
    started = archive.start(Evaluate(archive.tree.seeds[0].id, TASK))
    worker.sandbox = Deadly(sandbox, killing)
    with pytest.raises(Killed):
        worker.do(worker.assign(started))
    assert worker.resumable(started.id) == (killing > 1)
    worker.sandbox = sandbox
    outcome = worker.do(worker.assign(started))
    assert isinstance(outcome, Verdict), outcome
    assert outcome.solved
    assert len(model.calls) == outcome.usage.calls == 2


@pytest.mark.parametrize(("killing", "calls"), [(1, 3), (2, 2), (3, 2), (4, 3), (5, 2)])
def test_killed_before_any_record_is_there_only_the_try_that_was_not_on_record_is_made_again(
    make: Make, killing: int, calls: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker, archive, model = learning(make)
    started = archive.start(Evaluate(archive.tree.seeds[0].id, TASK))
    rename, renames = os.rename, iter(range(1, 99))

    def dying(source: str, target: str) -> None:
        if str(target).endswith(".json") and next(renames) == killing:
            raise Killed
        rename(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(os, "rename", dying)
        with pytest.raises(Killed):
            worker.do(worker.assign(started))
    outcome = worker.do(worker.assign(started))
    assert isinstance(outcome, Verdict), outcome
    assert outcome.solved
    assert len(model.calls) == outcome.usage.calls == calls


def test_a_job_is_not_taken_for_stuck_before_all_tries_and_setups_could_be_over(make: Make) -> None:
    worker, archive = make(shell("true"), Parrot())
    job = Evaluate(archive.tree.seeds[0].id, TASK)
    once = worker.allowance(job)
    worker.benchmark = Trying(worker.benchmark, 3)  # type: ignore[assignment]
    limits = worker.config.attempt.seconds, worker.config.grading.seconds
    assert worker.allowance(job) > max(3 * 2 * sum(limits), 3 * once - 180)


@dataclass
class Flaky:
    """A sandbox that fails from the `failing`th errand on."""

    inner: Sandbox
    failing: int
    seen: list[Errand] = field(default_factory=list)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def run(self, errand: Errand) -> Ran:
        self.seen.append(errand)
        if len(self.seen) >= self.failing:
            raise SandboxFault("no engine answers")
        return self.inner.run(errand)


@pytest.mark.parametrize("failing", [2, 3, 4])
def test_a_later_job_goes_on_with_the_try_that_an_earlier_one_could_not_finish(
    make: Make, failing: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dgm.evaluate.LONGEST_WAIT", 0.01)
    worker, archive, model = learning(make)
    sandbox = worker.sandbox
    worker.sandbox = Flaky(sandbox, failing)  # type: ignore[assignment]
    assert isinstance(evaluated(worker, archive, TASK), Failure)
    worker.sandbox = sandbox
    outcome = evaluated(worker, archive, TASK)
    assert isinstance(outcome, Verdict)
    assert outcome.solved
    assert len(model.calls) == archive.tree.spent.calls == 2
    attempt = load(archive.folder(2) / "attempt.json", Attempt)
    assert attempt is not None
    assert attempt.jobs() == ([1] if failing == 4 else [1, 2])


def test_a_first_try_outlives_two_jobs_that_could_not_make_the_second(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dgm.evaluate.LONGEST_WAIT", 0.01)
    worker, archive, model = learning(make)
    sandbox = worker.sandbox
    for failing in (3, 1):
        worker.sandbox = Flaky(sandbox, failing)  # type: ignore[assignment]
        assert isinstance(evaluated(worker, archive, TASK), Failure)
    worker.sandbox = sandbox
    outcome = evaluated(worker, archive, TASK)
    assert isinstance(outcome, Verdict)
    assert outcome.solved
    assert len(model.calls) == archive.tree.spent.calls == 2


class InImage:
    """One task whose workspace is made ready in the sandbox; solved by the second of two tries."""

    name, version = "mine", "1"
    workspace = "/opt/thing"
    image: str | None = "dgm-test-base:latest"

    def tasks(self) -> list[str]:
        return ["mine/one"]

    def task(self, id: str) -> Task:
        make = (
            "mkdir -p $0/sub && cd $0 && echo a > a && echo b > sub/b && ln -sf a link && mkdir dir && echo c > dir/c"
        )
        where = self.workspace if self.workspace.startswith("/") else "{home}/" + self.workspace
        return Task(
            id,
            "Do it.",
            image=self.image,
            workspace=self.workspace,
            setup=("/bin/sh", "-c", make, where),
            tries=2,
        )

    def fingerprint(self, id: str) -> str:
        return "1"

    def grade(self, id: str, patch: Patch, sandbox: Sandbox, job: int) -> Grade:
        return Grade("right" in patch.changed, "it\x1b[2J fails ```")

    def reference(self, id: str) -> None:
        return None


STEPS = """
if grep -q 'Another try' $DGM_STATEMENT; then
  [ "$(cat a)" = new ] && [ ! -e sub/b ] && [ "$(cat 'sub/ x')" = x ] && [ -x run ] && [ ! -L link ] \
    && [ "$(cat dir)" = now ] && [ ! -e "$HOME/earlier" ] && echo 1 > right
  rm a; echo 2 > sub/b
else
  echo new > a; rm sub/b; echo x > 'sub/ x'; echo 1 > run; chmod +x run; rm link; echo no > link
  rm -r dir; echo now > dir
fi
"""


def in_place(make: Make, benchmark: InImage, sandbox: Sandbox | None) -> None:
    worker, archive = make(shell(f"{SMOKED}\n{STEPS}"), Parrot())
    worker.benchmark = benchmark  # type: ignore[assignment]
    worker.sandbox = sandbox or worker.sandbox
    outcome = evaluated(worker, archive, "mine/one")
    attempt = load(archive.folder(1) / "attempt.json", Attempt)
    assert attempt is not None
    assert isinstance(outcome, Verdict)
    assert set(attempt.patch.changed) == {"right", "sub/b", "sub/ x", "run", "link", "dir"}
    assert set(attempt.patch.deleted) == {"a", "dir/c"}
    assert attempt.patch.changed["run"].executable
    assert outcome.solved


def test_what_a_setup_has_made_is_as_the_first_try_has_left_it(make: Make) -> None:
    benchmark = InImage()
    benchmark.workspace, benchmark.image = "work", None
    in_place(make, benchmark, None)


@pytest.mark.docker
def test_a_workspace_of_the_image_is_as_the_first_try_has_left_it(make: Make) -> None:
    from dgm.config import SandboxConfig
    from dgm.sandbox.docker import DockerSandbox

    sandbox = DockerSandbox("tries", SandboxConfig(image="dgm-test-base:latest"))
    try:
        in_place(make, InImage(), sandbox)
    finally:
        sandbox.close()


names = st.sampled_from(["a", "b", "c/d", "c/e"])
contents = st.dictionaries(names, st.binary(max_size=2).map(File), max_size=4)


@given(contents, contents, contents)
def test_two_patches_together_lead_where_one_after_the_other_leads(start: Files, middle: Files, end: Files) -> None:
    def between(old: Files, new: Files) -> Patch:
        changed = {path: file for path, file in new.items() if old.get(path) != file}
        return Patch(changed, tuple(sorted(old.keys() - new.keys())))

    task = Task("t", "", start)
    both = together(between(start, middle), between(middle, end), task)
    assert patched(start, both.changed, both.deleted) == end
    assert set(both.deleted) <= start.keys()


@given(st.text())
def test_what_tests_printed_is_harmless_in_a_statement(text: str) -> None:
    said = harmless(text * 50)
    assert "```" not in said
    assert all(c.isprintable() or c in "\n\t" for c in said)
    assert len(said) < REPORT_CHARACTERS + 100
