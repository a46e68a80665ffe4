"""A run put together: what is proven before anything is paid for, and what is refused."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from dgm import settings
from dgm.archive import read_tree
from dgm.config import Config, ConfigError
from dgm.files import File, Files, write_folder
from dgm.jobs import Evaluate, Usage
from dgm.ledger import Ledger
from dgm.protocols import ModelFault, SandboxFault
from dgm.run import start_run
from tests.provider_server import Provider, provider
from tests.shells import SMOKED, shell

KEY = {"OPENAI_KEY": "sk-test-of-the-run"}
LOCAL = ["sandbox.kind=local", "run.evaluations=2", "run.slots=1", "policy.seed_evaluations=2", "policy.warm_start=0"]


def chosen(*overrides: str) -> Config:
    return settings.load(None, {}, [*LOCAL, *overrides])


def seed_in(folder: Path, files: Files) -> str:
    write_folder(files, folder)
    return f"run.seed={folder}"


@pytest.fixture
def server() -> Iterator[Provider]:
    with provider() as server:
        yield server


def paid(server: Provider) -> list[str]:
    return [
        "models.default.name=openai/m",
        f"models.default.api_base={server.url}",
        "models.default.usd_per_million_in=1.0",
        "models.default.usd_per_million_out=1.0",
        "models.default.seconds_per_call=5.0",
        "models.default.api_key_env=OPENAI_KEY",
        "sandbox.local_with_real_models=true",
    ]


def test_a_seed_that_cannot_work_here_is_refused_before_anything_is_paid_for(tmp_path: Path) -> None:
    dumb = seed_in(tmp_path / "seed", {"start": File(b"true\n", True)})
    with (
        start_run(chosen(dumb), tmp_path / "run", {}) as run,
        pytest.raises(SandboxFault, match="did not call the model"),
    ):
        run.go()


@pytest.mark.usefixtures("litellm")
def test_a_model_that_refuses_every_request_is_found_before_agents_seem_to_fail(
    tmp_path: Path, server: Provider
) -> None:
    server.usual = "400"
    with (
        start_run(chosen(*paid(server)), tmp_path / "run", KEY) as run,
        pytest.raises(ModelFault, match="does not answer"),
    ):
        run.go()
    assert len(server.seen) == 1


@pytest.mark.usefixtures("litellm")
def test_a_finished_run_asks_the_model_for_nothing_and_writes_nothing(tmp_path: Path, server: Provider) -> None:
    words = [*paid(server), seed_in(tmp_path / "seed", shell(f"{SMOKED}\necho 1 > new.txt"))]
    with start_run(chosen(*words), tmp_path / "run", KEY) as run:
        assert run.go().code == 0
    calls, length = len(server.seen), run.worker.archive.tree.length
    assert calls == 3, "one greeting, and one call on each of two tasks"
    with start_run(chosen(*words), tmp_path / "run", KEY) as run:
        assert run.go().code == 0
    assert (len(server.seen), run.worker.archive.tree.length) == (calls, length)


@pytest.mark.usefixtures("litellm")
def test_a_run_that_has_reached_its_cap_asks_the_model_for_nothing(tmp_path: Path, server: Provider) -> None:
    words = [*paid(server), "caps.usd_per_run=0.4", "caps.usd_per_job=0.5"]
    for _ in range(2):
        with start_run(chosen(*words), tmp_path / "run", KEY) as run:
            assert run.go().code == 3
    assert not server.seen


@pytest.mark.usefixtures("litellm")
def test_the_next_run_pays_for_nothing_that_was_paid_for(tmp_path: Path, server: Provider) -> None:
    words = [*paid(server), seed_in(tmp_path / "seed", shell(f"{SMOKED}\necho 1 > new.txt"))]

    def calls(name: str, *more: str) -> int:
        before = len(server.seen)
        with start_run(chosen(*words, *more), tmp_path / name, KEY) as run:
            assert run.go().code == 0
            assert run.worker.archive.tree.evaluations == 2
        return len(server.seen) - before

    greeting = 1
    assert calls("first") == greeting + 2
    assert calls("second") == greeting
    assert read_tree(tmp_path / "second").spent == Usage()
    assert calls("repetition", "run.repeat=1") == greeting + 2
    assert calls("repetition-again", "run.repeat=1") == greeting
    assert calls("without", "run.cache=false") == greeting + 2


def test_what_interrupted_jobs_have_cost_stands_in_the_books_from_the_start(tmp_path: Path) -> None:
    with start_run(chosen(), tmp_path / "run", {}) as run:
        archive = run.worker.archive
        started = archive.start(Evaluate(archive.tree.seeds[0].id, archive.tree.tasks[0]))
        ledger = Ledger(archive.folder(started.id), durable=True)
        ledger.reserve(0.25, {"model": "m", "messages": []})
        ledger.close()
    with start_run(chosen(), tmp_path / "run", {}) as run:
        assert run.worker.gateway.usd == 0.25


def test_limits_that_no_patch_could_be_kept_under_are_refused() -> None:
    with pytest.raises(ConfigError, match="take_bytes must be at most"):
        chosen("attempt.take_bytes=20000000")
