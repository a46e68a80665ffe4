"""Which tasks count, and which are set aside, as the plan and the status tell it."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from dgm import settings
from dgm.run import start_run
from tests.cli.archives import look

WORDS = ["run.tasks=5", "run.held_out=3", "run.sample=stratified", "sandbox.kind=local"]


def test_plan_and_status_tell_what_was_chosen(tmp_path: Path) -> None:
    sets = [f"--set={word}" for word in WORDS]
    folder = tmp_path / "run"
    said = look("run", "--dry-run", *sets, "--archive", folder)
    assert "tasks        5, a stratified sample, 3 more held out" in said.stdout
    plan: Any = msgspec.json.decode(look("run", "--dry-run", "--json", *sets, "--archive", folder).stdout)
    assert (plan["tasks"], plan["sample"], plan["held_out"], plan["subset"]) == (5, "stratified", 3, "")
    start_run(settings.load(None, {}, WORDS), folder, {}).close()
    assert "tasks        5, a stratified sample, 3 more held out" in look("status", "--archive", folder).stdout
    status: Any = msgspec.json.decode(look("status", "--json", "--archive", folder).stdout)
    assert (status["tasks"], status["held_out"]) == (5, 3)


@pytest.mark.parametrize("word", ["run.subset=none", 'run.tasks=["slugg"]', "run.held_out=40"])
def test_a_plan_with_tasks_that_are_not_there_is_refused(tmp_path: Path, word: str) -> None:
    assert look("run", "--dry-run", "--set", word, "--archive", tmp_path / "run").returncode == 2


def test_repetitions_have_an_option_of_their_own(tmp_path: Path) -> None:
    start_run(settings.load(None, {}, ["sandbox.kind=local"]), tmp_path / "run", {}).close()
    said = look("run", "--dry-run", "--repeat", 2, "--set=sandbox.kind=local", "--archive", tmp_path / "run")
    assert "--amend run.repeat" in said.stdout


def test_a_mistyped_task_is_refused_before_any_image_is_fetched() -> None:
    done = look("prepare", "starter", "--tasks", "slgu")
    assert done.returncode == 2
    assert "did you mean `starter/slug`?" in done.stderr
    assert len(done.stderr.splitlines()) == 1
