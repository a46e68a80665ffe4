"""The whole loop over SWE-bench instances of our own, with the simulated model, in containers."""

import json
from pathlib import Path

import pytest

from dgm.sandbox.engine import address
from tests.benchmarks.own import IMAGE, rows, write
from tests.cli import archives
from tests.cli.archives import dgm


@pytest.mark.docker
@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_from_preparing_to_a_verdict(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "SECONDS", 500)
    folder = write(tmp_path / "own", rows())
    words = [f"--set=run.benchmark={folder}", "--set=sandbox.kind=docker", f"--set=sandbox.image={IMAGE}"]
    few = ["--set=run.evaluations=6", "--set=policy.warm_start=1", "--set=policy.seed_evaluations=2"]
    prepared = dgm("prepare", *words, cwd=tmp_path, DOCKER_HOST=address())
    assert prepared.returncode == 0, prepared.stderr
    assert "3 sound, 0 quarantined" in prepared.stdout
    ran = dgm("run", *words, *few, "--archive", tmp_path / "run", cwd=tmp_path, DOCKER_HOST=address())
    assert ran.returncode == 0, ran.stderr
    grades = [json.loads(path.read_text()) for path in (tmp_path / "run").rglob("grade.json")]
    assert len(grades) == 6
    assert any(grade["tests"] for grade in grades)
    assert all(grade["image"].startswith("sha256:") for grade in grades)
