"""Jobs on a worker: real sandbox, real gateway, real grading. Agents are small shell scripts that behave or do not."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event

import pytest

from dgm.archive import Archive
from dgm.benchmarks import open_benchmark
from dgm.config import CapsConfig, Config, ModelConfig, Role
from dgm.events import RunConfigured
from dgm.files import File, Files, digest, read_folder
from dgm.gateway import Gateway
from dgm.jobs import Evaluate, Expand, Failure, Outcome, Rewrite, Verdict
from dgm.llm.scripted import ScriptedModel
from dgm.protocols import Benchmark, Chat, Grade, Limits, Model, ModelFault, Patch, Price, Sandbox, SandboxFault, Task
from dgm.sandbox.local import LocalSandbox
from dgm.shipped import shipped
from dgm.spending import Spending
from dgm.work import Worker
from tests.shells import ASK, shell
from tests.starter import starter


@dataclass
class Parrot:
    """A `Model` that always says the same, or fails in the same way."""

    name: str = "parrot"
    says: str = '{"proposal": "change it", "brief": "change it"}'
    fault: ModelFault | None = None
    usd: float = 1e-6
    calls: list[Chat] = field(default_factory=list)

    def price(self) -> Price:
        return Price(self.usd, self.usd)

    def complete(self, request: Chat, seconds: float) -> Chat:
        self.calls.append(request)
        if self.fault is not None:
            raise self.fault
        message = {"role": "assistant", "content": self.says}
        return {
            "id": "1",
            "object": "chat.completion",
            "model": self.name,
            "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15},
        }


@dataclass
class Faulty:
    """A benchmark whose grading sandbox fails the first few times."""

    inner: Benchmark
    faults: int

    def __getattr__(self, name: str) -> object:
        return getattr(self.inner, name)

    def grade(self, id: str, patch: Patch, sandbox: Sandbox, job: int) -> Grade:
        self.faults -= 1
        if self.faults >= 0:
            raise SandboxFault("no engine answers")
        return self.inner.grade(id, patch, sandbox, job)


Make = Callable[..., tuple[Worker, Archive]]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    """Builds a worker around a seed and a model; everything is closed afterwards."""
    closing: list[Callable[[], None]] = []

    def build(
        seed: Files, model: Model, caps: CapsConfig | None = None, seconds: float = 20.0, faults: int = 0
    ) -> tuple[Worker, Archive]:
        benchmark = starter()
        if faults:
            benchmark = Faulty(benchmark, faults)  # type: ignore[assignment]
        config = Config(attempt=Limits(seconds=seconds), expansion=Limits(seconds=seconds), caps=caps or CapsConfig())
        archive = Archive(tmp_path / f"run{len(closing)}")
        archive.configure(RunConfigured(1.0, "0", {}, tuple(benchmark.tasks()), benchmark.version))
        archive.seed(seed)
        roles: tuple[Role, ...] = ("solve", "improve", "diagnose")
        gateway = Gateway(
            {role: (ModelConfig(name=model.name, seconds_per_call=2.0), model) for role in roles},
            Spending(config.caps),
            backoff=0.01,
        )
        closing.extend([gateway.close, archive.close])
        return Worker(archive, benchmark, LocalSandbox("test"), gateway, config), archive

    yield build
    for close in closing:
        close()


def evaluated(worker: Worker, archive: Archive, task: str | None = None) -> Outcome:
    seed = archive.tree.seeds[0]
    started = archive.start(Evaluate(seed.id, task or archive.tree.tasks[0]))
    outcome = worker.do(worker.assign(started))
    archive.finish(started.id, outcome)
    return outcome


def expanded(worker: Worker, archive: Archive) -> Outcome:
    started = archive.start(Expand(archive.tree.seeds[0].id))
    outcome = worker.do(worker.assign(started))
    archive.finish(started.id, outcome)
    return outcome


def solving(benchmark: Benchmark, task: str) -> str:
    """A shell script that writes the reference solution: what a perfect agent would do."""
    patch = benchmark.reference(task)
    assert patch is not None
    lines = [f"cat > {path} <<'EOF-OF-FILE'\n{file.data.decode()}EOF-OF-FILE" for path, file in patch.changed.items()]
    return "\n".join(lines + [f"rm -f {path}" for path in patch.deleted])


# ---------------------------------------------------------------- evaluate


def test_a_cancelled_grading_is_not_tried_again(make: Make) -> None:
    worker, archive = make(shell("echo 'while True: pass' > pagekit/slug.py"), Parrot())
    done = Event()

    def cancel() -> None:
        kept = archive.folder(1) / "attempt.json"
        while not done.wait(0.1):
            if kept.exists():
                worker.cancel(1)

    with ThreadPoolExecutor(1) as thread:
        thread.submit(cancel)
        try:
            outcome = evaluated(worker, archive, "starter/slug")
        finally:
            done.set()
    assert isinstance(outcome, Failure)
    assert outcome.cause == "interrupted"
    assert archive.tree.agents[archive.tree.seeds[0].id].missed, "the attempt that was paid for can still be graded"


def test_the_minimal_seed_and_the_scripted_model_work_on_a_task(make: Make) -> None:
    worker, archive = make(read_folder(shipped("agents_seed", "minimal")), ScriptedModel(starter()))
    outcome = evaluated(worker, archive)
    assert isinstance(outcome, Verdict)
    assert outcome.usage.calls >= 2
    assert outcome.usage.tokens_in > 0
    folder = archive.folder(1)
    assert {"calls.jsonl", "output.txt", "attempt.json", "grade.json"} <= {path.name for path in folder.iterdir()}


def test_a_right_patch_is_solved_and_a_wrong_one_is_not(make: Make) -> None:
    task = starter().tasks()[0]
    worker, archive = make(shell(solving(starter(), task)), Parrot())
    outcome = evaluated(worker, archive, task)
    assert isinstance(outcome, Verdict)
    assert outcome.solved
    assert outcome.usage.calls == 1
    assert outcome.usage.usd == pytest.approx(15e-6)
    worker, archive = make(shell("echo '# nothing of use' >> notes.txt"), Parrot())
    outcome = evaluated(worker, archive, task)
    assert isinstance(outcome, Verdict)
    assert not outcome.solved


@pytest.mark.parametrize(
    ("script", "seconds"),
    [
        ("exit 3", 20.0),
        ("kill -9 $$", 20.0),
        ("exec sleep 1000", 1.5),
        ("yes flood", 1.5),
        ("while :; do sleep 1000 & done", 20.0),
        ("cat /dev/zero > big", 20.0),
        ("ln -s /etc/passwd link; mkdir .git; echo x > .git/config; mkfifo pipe", 20.0),
        ("rm -rf -- * .[!.]*", 20.0),
        ('printf "* text eol=crlf\\n" > .gitattributes', 20.0),
    ],
)
def test_whatever_an_agent_does_is_a_plain_failure_to_solve(make: Make, script: str, seconds: float) -> None:
    worker, archive = make(shell(script), Parrot(), seconds=seconds)
    outcome = evaluated(worker, archive)
    assert isinstance(outcome, Verdict), outcome
    assert not outcome.solved
    assert archive.tree.evaluations == 1


def test_a_dead_provider_is_no_score(make: Make) -> None:
    worker, archive = make(shell("true"), Parrot(fault=ModelFault("denied", "no credit left")))
    outcome = evaluated(worker, archive)
    assert isinstance(outcome, Failure)
    assert outcome.cause == "provider"
    assert "no credit left" in outcome.reason
    assert archive.tree.evaluations == 0


@dataclass
class Failing(Parrot):
    """A `Model` that always fails, as an overloaded provider does."""

    billed: bool = False

    def complete(self, request: Chat, seconds: float) -> Chat:
        self.calls.append(request)
        raise ModelFault("busy", "the provider is overloaded", billed=self.billed)


def test_time_that_ran_out_in_an_outage_is_no_score(make: Make) -> None:
    worker, archive = make(shell("true"), Failing(), seconds=1.0)
    outcome = evaluated(worker, archive)
    assert isinstance(outcome, Failure)
    assert outcome.cause == "provider"
    assert "overloaded" in outcome.reason
    outcome = expanded(worker, archive)
    assert isinstance(outcome, Failure)
    assert outcome.cause == "provider"


def test_an_outage_after_which_there_was_time_left_is_no_excuse(make: Make) -> None:
    hasty = f"( {ASK} ) & sleep 0.5; echo '#' >> notes.txt"
    worker, archive = make({"start": File(hasty.encode())}, Failing(), seconds=20.0)
    assert isinstance(evaluated(worker, archive), Verdict)


def test_money_that_an_outage_may_have_cost_is_nobodys_score(make: Make) -> None:
    worker, archive = make(shell("true"), Failing(billed=True, usd=1e-4), CapsConfig(usd_per_call=0.7))
    outcome = evaluated(worker, archive)
    assert isinstance(outcome, Failure)
    assert outcome.cause == "provider"
    assert outcome.usage.usd > 0


def test_the_caps_of_the_run_and_of_an_agent_are_no_score_but_the_jobs_cap_is_the_agents_own_limit(make: Make) -> None:
    worker, archive = make(shell("true"), Parrot(), CapsConfig(usd_per_run=0.001))
    outcome = evaluated(worker, archive)
    assert isinstance(outcome, Failure)
    assert outcome.cause == "interrupted"
    worker, archive = make(shell("true"), Parrot(), CapsConfig(usd_per_agent=0.001))
    outcome = evaluated(worker, archive)
    assert isinstance(outcome, Failure)
    assert outcome.cause == "interrupted"
    worker, archive = make(shell("true"), Parrot(), CapsConfig(usd_per_job=0.001))
    assert isinstance(evaluated(worker, archive), Verdict)


def test_a_fault_while_grading_does_not_make_anyone_pay_again(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dgm.evaluate.LONGEST_WAIT", 0.01)
    model = Parrot()
    worker, archive = make(shell("echo '#' >> notes.txt"), model, faults=3)
    assert isinstance(evaluated(worker, archive), Verdict)
    assert len(model.calls) == 1
    worker, archive = make(shell("echo '#' >> notes.txt"), model, faults=7)
    first = evaluated(worker, archive)
    assert isinstance(first, Failure)
    assert first.cause == "infra"
    assert len(model.calls) == 2
    second = evaluated(worker, archive)
    assert isinstance(second, Verdict), "the attempt was kept, and is graded now"
    assert len(model.calls) == 2
    assert second.usage.calls == 0
    assert archive.tree.spent.calls == 1


def test_a_job_that_was_cut_off_after_its_attempt_is_graded_without_the_model(make: Make) -> None:
    model = Parrot()
    worker, archive = make(shell("echo '#' >> notes.txt"), model)
    started = archive.start(Evaluate(archive.tree.seeds[0].id, archive.tree.tasks[0]))
    worker.do(worker.assign(started))  # the driver dies here, before the outcome is recorded
    assert worker.resumable(started.id)
    outcome = worker.do(worker.assign(started))
    assert isinstance(outcome, Verdict)
    assert len(model.calls) == 1
    assert outcome.usage.calls == 1, "and is charged with what it has cost"


def test_a_bug_is_a_failure_even_where_it_cannot_be_written_down(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    worker, archive = make(shell("echo '#' >> notes.txt"), Parrot())
    monkeypatch.setattr(worker.sandbox, "run", lambda errand: 1 // 0)
    (archive.folder(1) / "error.txt").mkdir()  # writing to it fails, as on a full disk
    outcome = evaluated(worker, archive)
    assert isinstance(outcome, Failure)
    assert outcome.cause == "infra"
    assert "ZeroDivisionError" in outcome.reason
    assert archive.tree.evaluations == 0


# ---------------------------------------------------------------- expand

IMPROVE = 'case "$DGM_WORK" in *child) cd "$DGM_WORK"; {} ;; esac'
"""Does something only when the folder to change is a child."""


def test_a_parent_writes_a_child(make: Make) -> None:
    worker, archive = make(shell(IMPROVE.format("echo '# better' >> start; echo 1 > new.txt")), Parrot())
    outcome = expanded(worker, archive)
    assert isinstance(outcome, Rewrite), outcome
    assert outcome.summary == "change it"
    assert outcome.source["new.txt"].data == b"1\n"
    assert len(archive.tree.agents) == 2
    child = list(archive.tree.agents.values())[1]
    assert archive.source(child.id) == outcome.source
    assert digest(outcome.source) == child.digest
    assert outcome.usage.calls == 2, "one diagnosis, one call of the agent; the smoke test is free"


def test_another_author_rewrites_the_parent(make: Make) -> None:
    """The seed copies its own source and the brief into what it works on: the source of its child."""
    copying = 'cp "$DGM_AGENT/start" author.txt; cp "$DGM_STATEMENT" brief.txt'
    worker, archive = make(shell(IMPROVE.format(f"echo '# child' >> start; {copying}")), Parrot())
    assert isinstance(expanded(worker, archive), Rewrite)
    seed, child = archive.tree.agents.values()
    assert b"your own source" in archive.source(child.id)["brief.txt"].data
    started = archive.start(Expand(child.id, author=seed.id))
    outcome = worker.do(worker.assign(started))
    assert isinstance(outcome, Rewrite), outcome
    assert outcome.source["author.txt"] == archive.source(seed.id)["start"]
    assert outcome.source["start"].data == archive.source(child.id)["start"].data + b"# child\n"
    assert b"your own source" not in outcome.source["brief.txt"].data
    archive.finish(started.id, outcome)
    assert list(archive.tree.agents.values())[2].parent is child, "and who wrote it is not its parent"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("true", "unchanged"),
        ("rm start", "empty"),
        ("mv start begin", "no `start`"),
        ("echo 'exit 7' > start", "exit code 7"),
        ("echo 'syntax ( error' > start", "exit code 2"),
        ("echo 'sleep 1000' > start", "timeout"),
        ("echo 'true' > start", "did not call the model"),
        ("head -c 9000000 /dev/zero > big", "nothing was taken|refused|unchanged|bytes"),
        ("ln -s /etc/passwd link", "unchanged"),
        ("mkdir .git; echo x > .git/config", "unchanged"),
        ("mkdir __pycache__; echo x > __pycache__/a.pyc", "unchanged"),
    ],
)
def test_a_child_that_cannot_live_is_stillborn_with_its_reason(
    make: Make, change: str, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dgm.agent.SMOKE_LIMITS", Limits(seconds=1.0 if reason == "timeout" else 20.0))
    worker, archive = make(shell(IMPROVE.format(change)), Parrot())
    outcome = expanded(worker, archive)
    assert isinstance(outcome, Failure), outcome
    assert outcome.cause == "stillborn"
    assert any(part in outcome.reason for part in reason.split("|")), outcome.reason
    assert len(archive.tree.agents) == 1
    assert archive.tree.seeds[0].barren == 1


def test_a_hostile_gitattributes_reaches_a_child_as_plain_bytes(make: Make) -> None:
    worker, archive = make(shell(IMPROVE.format("printf '* text eol=crlf filter=x\\n' > .gitattributes")), Parrot())
    assert isinstance(expanded(worker, archive), Rewrite)
    child = list(archive.tree.agents.values())[1]
    assert archive.source(child.id)[".gitattributes"].data == b"* text eol=crlf filter=x\n"


def test_an_unreadable_diagnosis_still_serves_as_a_brief(make: Make) -> None:
    model = Parrot(says="Make it better, please.")
    worker, archive = make(shell(IMPROVE.format('cp "$DGM_STATEMENT" brief.txt')), model)
    outcome = expanded(worker, archive)
    assert isinstance(outcome, Rewrite), outcome
    assert b"Make it better, please." in outcome.source["brief.txt"].data
    assert outcome.usage.calls == 4, "three tries at a diagnosis"


def test_the_evidence_holds_what_happened_but_no_hidden_test(make: Make) -> None:
    model = Parrot()
    worker, archive = make(shell("echo '# mine' >> notes.txt"), model)
    task = archive.tree.tasks[0]
    evaluated(worker, archive, task)
    started = archive.start(Expand(archive.tree.seeds[0].id, task))
    assignment = worker.assign(started)
    assert assignment.evidence is not None
    assert "# mine" in assignment.evidence.patch
    assert "hello" in assignment.evidence.transcript
    statement: Task = worker.benchmark.task(task)
    assert assignment.evidence.statement == statement.statement
    hidden = read_folder(shipped("benchmarks", "starter") / "tasks" / task.split("/")[1] / "hidden")
    seen = "".join([assignment.evidence.statement, assignment.evidence.transcript, assignment.evidence.patch])
    for file in hidden.values():
        assert not any(len(line) > 30 and line in seen for line in file.data.decode().splitlines())


def test_a_cancelled_smoke_test_does_not_cost_the_child(make: Make) -> None:
    worker, archive = make(shell(IMPROVE.format("echo 'sleep 20' >> start")), Parrot())
    started = archive.start(Expand(archive.tree.seeds[0].id))
    done = Event()

    def cancel() -> None:
        while not done.wait(0.1):
            if (archive.folder(1) / "draft.json").exists():
                worker.cancel(1)

    with ThreadPoolExecutor(1) as thread:
        thread.submit(cancel)
        try:
            outcome = worker.do(worker.assign(started))
        finally:
            done.set()
    assert isinstance(outcome, Failure)
    assert outcome.cause == "interrupted"
    assert worker.resumable(started.id)


def test_tasks_that_the_benchmark_has_no_more_stop_nothing(make: Make) -> None:
    worker, archive = make(shell("echo '# mine' >> notes.txt"), Parrot())
    worker.benchmark = open_benchmark("starter")
    seed, (first, second, *rest) = archive.tree.seeds[0].id, archive.tree.tasks
    evaluated(worker, archive, first)
    started = archive.start(Evaluate(seed, second))
    worker.do(worker.assign(started))  # the driver dies here
    assert worker.resumable(started.id)
    for task in (first, second):
        worker.benchmark.items.pop(task)  # type: ignore[attr-defined]
    archive.configure(RunConfigured(2.0, "0", {}, tuple(rest), "another version"))
    assert not worker.resumable(started.id)
    assert worker.assign(archive.start(Expand(seed, first))).evidence is None
