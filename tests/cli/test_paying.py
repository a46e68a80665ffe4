"""What costs money, as processes: a run that meets its cap, and the doctor's call. The provider is a local server."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from dgm.archive import Reader
from dgm.files import write_folder
from tests.cli.archives import NO_ENGINE, Told, dgm, look
from tests.provider_server import KEY, Provider, provider
from tests.shells import SMOKED, shell

EVALUATIONS = 9


@pytest.fixture
def server() -> Iterator[Provider]:
    with provider() as running:
        yield running


def paid(url: str) -> list[str]:
    """Settings for a model at `url` whose every call costs 0.11 USD; and for agents without a container."""
    model = {"name": "openai/m", "api_base": url, "api_key_env": "THE_KEY", "max_tokens": 20}
    prices = {"usd_per_million_in": 100, "usd_per_million_out": 10_000}
    chosen = [f"models.default.{key}={value}" for key, value in (model | prices).items()]
    return [f"--set={one}" for one in (*chosen, "sandbox.kind=local", "sandbox.local_with_real_models=true")]


@pytest.mark.slow
def test_a_run_stops_at_its_cap_and_goes_on_under_a_higher_one(tmp_path: Path, server: Provider) -> None:
    seed, folder = tmp_path / "seed", tmp_path / "run"
    write_folder(shell(SMOKED), seed)
    own = (f"run.seed={seed}", f"run.evaluations={EVALUATIONS}", "run.slots=2", "caps.usd_per_job=0.5")
    opening = (f"policy.seed_evaluations={EVALUATIONS}", "policy.warm_start=0")
    words = ["run", "--archive", folder, *paid(server.url), *(f"--set={one}" for one in (*own, *opening))]

    def run(*more: str) -> Told:
        done = dgm(*words, *more, THE_KEY=KEY, DGM_CACHE=str(tmp_path / "cache"))
        assert KEY not in done.stdout + done.stderr
        return Told(done.returncode, done.stdout, done.stderr)

    low = "--set=caps.usd_per_run=1"
    stopped = run(low)
    assert stopped.returncode == 3, stopped.stderr
    (line,) = [line for line in stopped.stderr.splitlines() if line.startswith("Stopped")]
    assert "the next job may no longer fit under caps.usd_per_run" in line
    assert "--amend" in line
    tree = Reader(folder).tree
    had, paid_for = tree.evaluations, len(server.seen)
    assert 0 < had < EVALUATIONS
    assert tree.spent.usd <= 1.0
    assert tree.spent.calls == had
    assert json.loads(dgm("status", "--json", "--archive", folder).stdout)["state"] == "capped"
    assert run(low).returncode == 3, "nothing has changed"
    assert len(server.seen) <= paid_for + 1, "but for one word, nothing is paid to find that out"
    assert run("--set=caps.usd_per_run=9").returncode == 2, "a change has to be accepted"

    finished = run("--set=caps.usd_per_run=9", "--amend=caps.usd_per_run")
    assert finished.returncode == 0, finished.stderr
    tree = Reader(folder).tree
    assert (tree.evaluations, tree.spent.calls) == (EVALUATIONS, EVALUATIONS), "and no job was paid for twice"
    assert tree.spent.usd == pytest.approx(0.11 * EVALUATIONS)
    assert dgm("check", "--archive", folder).returncode == 0


def doctor(url: str, *words: str) -> Told:
    done = dgm("doctor", "--call", *paid(url), *words, THE_KEY=KEY)
    assert KEY not in done.stdout + done.stderr
    return Told(done.returncode, done.stdout, done.stderr)


@pytest.mark.slow
def test_the_doctor_asks_the_model(server: Provider) -> None:
    well = doctor(server.url)
    assert well.returncode == 0, well.stdout
    assert "it answered" in well.stdout
    assert "THE_KEY is set" in well.stdout
    assert server.keys == [f"Bearer {KEY}"], "one call for the three roles"
    for status, word in (("401", "Authentication"), ("404", "NotFound")):
        server.usual = status
        unfit = doctor(server.url)
        assert unfit.returncode == 5
        assert "fail  model openai/m, one call denied: " in unfit.stdout
        assert word in unfit.stdout
        assert f"status {status} for [key]" in unfit.stdout, "the server repeats the key, which nobody needs to see"
        assert "check the key in THE_KEY, the model's name, the credit" in unfit.stdout
        assert "not fit" in unfit.stderr
    server.usual = "fine"
    told = json.loads(doctor(server.url, "--json", f"--set=models.improve.api_base={server.url}/other").stdout)
    calls = [check["level"] for check in told["checks"] if check["name"] == "model openai/m, one call"]
    assert calls == ["ok", "ok"], "one name at two addresses is two models"


@pytest.mark.usefixtures("litellm")
def test_the_doctor_finds_no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    with provider() as gone:
        url = gone.url
    monkeypatch.setenv("DOCKER_HOST", NO_ENGINE)
    monkeypatch.setenv("THE_KEY", KEY)
    unfit = look("doctor", os.devnull, "--call", *paid(url))
    assert KEY not in unfit.stdout + unfit.stderr
    assert unfit.returncode == 5
    assert "fail  model openai/m, one call busy: " in unfit.stdout
    assert f"see that {url} answers" in unfit.stdout
