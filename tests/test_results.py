"""What was paid for once: found again by what it depends on, whole or not at all, whoever else is at it."""

import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

import dgm
from dgm import settings
from dgm.attempt import Attempt
from dgm.config import Config
from dgm.jobs import Evaluate, Expand, Verdict
from dgm.protocols import Grade, Limits
from dgm.results import Results, key_of
from dgm.run import results_of
from dgm.store import load
from tests.shells import shell
from tests.starter import starter
from tests.test_tries import TASK, Trying, learner
from tests.test_work import Make, Parrot, evaluated, make, solving

__all__ = ["make"]
KEY = key_of(["x"])


@pytest.fixture
def results(tmp_path: Path) -> Results:
    return Results(tmp_path / "results", "my-run")


def test_an_entry_is_found_by_its_key_alone(results: Results) -> None:
    assert results.get(KEY) is None
    results.put(KEY, {"a": b"1"}, 7)
    kept = results.get(KEY)
    assert kept is not None
    assert kept.files == {"a": b"1"}
    assert kept.words.endswith("UTC by job 7 of my-run")
    assert results.get(key_of(["y"])) is None


@given(st.integers(0, 400), st.integers(0, 255))
def test_a_damaged_entry_is_none(place: int, byte: int) -> None:
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as folder:
        results = Results(Path(folder), "r")
        results.put(KEY, {"a": bytes(range(256))}, 1)
        path = results.folder / KEY
        whole = path.read_bytes()
        torn = whole[:place]
        path.write_bytes(torn)
        assert results.get(KEY) is None or torn == whole
        place %= len(whole)
        path.write_bytes(whole[:place] + bytes([byte]) + whole[place + 1 :])
        kept = results.get(KEY)
        assert kept is None or kept.files == {"a": bytes(range(256))}


def test_a_foreign_entry_is_none(results: Results) -> None:
    results.put(KEY, {"a": b"1"}, 1)
    other = key_of(["other"])
    (results.folder / KEY).rename(results.folder / other)
    assert results.get(other) is None
    (results.folder / KEY).mkdir()
    assert results.get(KEY) is None


def test_what_was_not_used_for_the_longest_time_goes_first(tmp_path: Path) -> None:
    results = Results(tmp_path, "r", most_bytes=10_000)
    data = os.urandom(3_000)
    keys = [key_of([n]) for n in range(4)]
    for age, key in zip((30, 20, 10), keys, strict=False):
        results.put(key, {"a": data}, 1)
        os.utime(tmp_path / key, (1e9 - age, 1e9 - age))
    assert results.get(keys[0]) is not None, "and is used by that"
    torn = tmp_path / f"{KEY}.1-1.new"
    torn.touch()
    os.utime(torn, (1e9, 1e9))
    results.put(keys[3], {"a": data}, 1)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([keys[0], keys[2], keys[3]])


WRITER = """
import sys
from pathlib import Path
from dgm.results import Results
results = Results(Path(sys.argv[1]), sys.argv[2], 20_000)
for n in range(60):
    key = f"{n % 7:064x}"
    results.put(key, {"a": bytes([n % 7]) * 5000}, n)
    kept = results.get(key)
    assert kept is None or set(kept.files["a"]) == {n % 7}
"""


def test_many_processes_and_threads_at_once_do_no_harm(results: Results) -> None:
    home = os.environ | {"PYTHONPATH": str(Path(dgm.__file__).parents[1])}
    command = [sys.executable, "-c", WRITER, str(results.folder)]
    with ThreadPoolExecutor(3) as pool:
        ran = list(pool.map(lambda name: subprocess.run([*command, name], env=home).returncode, "abc"))
        assert ran == [0, 0, 0]
        list(pool.map(lambda n: results.put(KEY, {"a": b"1"}, n), range(20)))
    assert results.get(KEY) is not None


# ---------------------------------------------------------------- in a run


def cached(worker: Any, results: Results, **changes: Any) -> Parrot:
    """Let `worker` use `results`, under a configuration with `changes`; its model."""
    worker.results = results
    worker.config = msgspec.structs.replace(worker.config, **changes)
    model = worker.gateway._routes["solve"].model
    assert isinstance(model, Parrot)
    return model


@pytest.mark.parametrize("solves", [True, False])
def test_the_same_attempt_is_never_paid_for_twice(make: Make, results: Results, solves: bool) -> None:
    source = shell(solving(starter(), TASK) if solves else "echo '# mine' >> notes.txt; exit 3")
    worker, archive = make(source, Parrot())
    cached(worker, results)
    first = evaluated(worker, archive, TASK)
    assert isinstance(first, Verdict)
    attempt = load(archive.folder(1) / "attempt.json", Attempt)
    assert attempt is not None

    worker, archive = make(source, Parrot())
    model = cached(worker, results)
    evaluated(worker, archive, "starter/trie")
    assert len(model.calls) == 1, "another task is another attempt"
    second = evaluated(worker, archive, TASK)
    assert isinstance(second, Verdict)
    assert len(model.calls) == 1
    assert second.solved == first.solved == solves
    assert second.usage == type(second.usage)()
    assert second.flags[0].startswith("cached: ")
    assert "by job 1 of my-run" in second.flags[0]
    assert second.flags[1:] == first.flags
    folder = archive.folder(2)
    taken = load(folder / "attempt.json", Attempt)
    assert taken is not None
    assert (taken.patch, taken.job) == (attempt.patch, 2)
    grade = load(folder / "grade.json", Grade)
    assert grade is not None
    assert grade.solved == solves
    assert {"dgm", "sandbox", "benchmark", "task"} <= grade.versions.keys()
    assert grade.image.startswith("local:")
    assert grade.seconds > 0
    assert "chat.completion" in (folder / "output.txt").read_text()
    if not solves:
        evidence = worker.assign(archive.start(Expand(archive.tree.seeds[0].id, TASK))).evidence
        assert evidence is not None
        assert "hello" in evidence.transcript
        assert "# mine" in evidence.patch


CHANGES: list[Callable[[Config], Config]] = [
    lambda config: msgspec.structs.replace(config, run=msgspec.structs.replace(config.run, repeat=1)),
    lambda config: msgspec.structs.replace(config, attempt=Limits(seconds=19.0)),
    lambda config: msgspec.structs.replace(config, grading=Limits(seconds=299.0)),
    lambda config: msgspec.structs.replace(config, caps=msgspec.structs.replace(config.caps, usd_per_job=4.0)),
    lambda config: msgspec.structs.replace(config, caps=msgspec.structs.replace(config.caps, calls_per_job=9)),
    lambda config: settings.build({**settings.resolved(config), "models": {"solve": {"name": "other"}}}),
    lambda config: settings.build({**settings.resolved(config), "models": {"solve": {"extra": {"temperature": 1}}}}),
]


def test_on_other_terms_it_is_another_attempt(make: Make, results: Results) -> None:
    source = shell("echo 1 >> notes.txt")
    worker, archive = make(source, Parrot())
    cached(worker, results)
    evaluated(worker, archive, TASK)
    for number, change in enumerate(CHANGES):
        worker, archive = make(source, Parrot())
        model = cached(worker, results)
        worker.config = change(worker.config)
        evaluated(worker, archive, TASK)
        assert len(model.calls) == 1, number
    worker, archive = make(shell("echo 2 >> notes.txt"), Parrot())
    model = cached(worker, results)
    evaluated(worker, archive, TASK)
    assert len(model.calls) == 1, "another agent"
    worker, archive = make(source, Parrot())
    caps = msgspec.structs.replace(worker.config.caps, usd_per_run=19.0)
    model = cached(worker, results, caps=caps)
    evaluated(worker, archive, TASK)
    assert len(model.calls) == 0, "the cap of the run is nothing that a verdict depends on"


def test_an_attempt_that_was_made_on_other_terms_is_not_kept(make: Make, results: Results) -> None:
    worker, archive = make(shell("echo 1 >> notes.txt"), Parrot())
    cached(worker, results)
    started = archive.start(Evaluate(archive.tree.seeds[0].id, TASK))
    worker.do(worker.assign(started))  # the driver dies here, and goes on with other limits
    for path in results.folder.iterdir():
        path.unlink()
    worker.config = msgspec.structs.replace(worker.config, attempt=Limits(seconds=19.0))
    assert isinstance(worker.do(worker.assign(started)), Verdict)
    assert list(results.folder.iterdir()) == []


def test_several_tries_are_kept_as_one_verdict(make: Make, results: Results) -> None:
    benchmark: Any = Trying(starter())
    for calls in (2, 0):
        worker, archive = make(learner(benchmark), Parrot())
        model = cached(worker, results)
        worker.benchmark = benchmark
        outcome = evaluated(worker, archive, TASK)
        assert isinstance(outcome, Verdict)
        assert outcome.solved
        assert "try 2 of 2" in outcome.flags
        assert len(model.calls) == calls
    attempt = load(archive.folder(1) / "attempt.json", Attempt)
    assert attempt is not None
    assert len(attempt.tries()) == 2


def test_what_is_free_or_recorded_or_not_wanted_is_not_kept(tmp_path: Path) -> None:
    def of(*words: str) -> Results | None:
        return results_of(settings.load(None, {}, words), tmp_path)

    paid = "models.default.name=openai/m"
    assert of() is None
    assert of("models.default.name=replay:x") is None
    assert of(paid, "models.default.record=x") is None
    assert of(paid, "run.cache=false") is None
    found = of(paid)
    assert found is not None
    assert found.origin == tmp_path.name
