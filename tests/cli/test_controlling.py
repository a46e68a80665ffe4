"""`dgm controls`, and what other commands say of controls."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from dgm.archive import LOG, Archive, Reader, read_tree
from dgm.arms import settings_of
from dgm.cli.controlling import cap_words
from dgm.config import Config, Control
from dgm.controls import agent_of, folder_of
from dgm.controls.standing import standings
from dgm.events import AgentBorn, RunConfigured
from dgm.jobs import Evaluate, Expand, Rewrite, Usage, Verdict
from dgm.settings import load, resolved
from dgm.tree import Tree
from dgm.uses import FOLDER, Use, record, using
from dgm.validation import between, validated
from tests.cli.archives import HOSTILE, dgm, environ, look, on_terminal, source

WANTED = 'run.controls=["resample", "best-of-n"]'
BOTH = load(None, {}, [WANTED])
TASKS = tuple(f"toy/{n}" for n in range(24))
HELD = tuple(f"held/{n}" for n in range(12))


def grow(
    folder: Path, solved: list[int], config: Config = BOTH, copies: bool = False, first: int = 1, usd: float = 0.0
) -> Tree:
    """A finished run whose agents solve so many of the tasks, each the child of a seed, or copies of it."""
    with Archive(folder) as archive:
        archive.configure(RunConfigured(1e9, "0", resolved(config), TASKS, "v1", held_out=HELD))
        agents = [archive.seed(source(0))]
        for number in range(1, len(solved)):
            if copies:
                agents.append(archive.repeat(number + 1))
                continue
            child = Rewrite(source(first + number), HOSTILE, Usage(usd))
            born = archive.finish(archive.start(Expand(agents[0])).id, child)
            assert isinstance(born, AgentBorn)
            agents.append(born.agent)
        for agent, wins in zip(agents, solved, strict=True):
            for number, task in enumerate(TASKS):
                archive.finish(archive.start(Evaluate(agent, task)).id, Verdict(number < wins, Usage(usd)))
        archive.end(0, "the budget is spent")
        archive.mirror()
    return read_tree(folder)


def control(folder: Path, name: Control, solved: list[int], usd: float = 0.0) -> None:
    config = settings_of(name, BOTH, read_tree(folder), Tree())
    grow(folder_of(folder, name), solved, config, name == "resample", 10, usd)


@pytest.fixture
def grown(tmp_path: Path) -> Path:
    folder = tmp_path / "run"
    grow(folder, [6, 20])
    control(folder, "resample", [5, 8, 6])
    control(folder, "best-of-n", [6, 12])
    return folder


def said(folder: Path) -> str:
    told = look("controls", "--archive", folder)
    assert told.returncode == 0, told.stderr
    assert "\x1b" not in told.stdout
    assert "improved" not in told.stdout
    return told.stdout


def test_a_search_that_is_ahead_claims_nothing(grown: Path) -> None:
    text = said(grown)
    assert "best-of-n    The search is ahead of best-of-n on the tasks that both were chosen by: +33 points" in text
    assert f"claims nothing before `python -m dgm validate best-of-n:best --archive {grown}`" in text
    assert f"claims nothing before `python -m dgm validate --archive {grown}`" in text, "a repetition is the seed"
    assert "3 whole repetitions of the seed: it solves 0.26 of the tasks" in text
    assert "The luckiest repetition solved 8 of 24. Of 3 equal agents the best is expected to solve" in text
    assert "beats" not in text
    json_text = look("controls", "--archive", grown, "--json").stdout
    found = json.loads(json_text)
    assert found["held_out"] == {}
    assert [one["place"] for one in found["controls"]] == ["ahead", "ahead"]
    assert json_text.isascii()


def test_a_search_that_does_not_beat_them_is_told_so(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    grow(folder, [6, 8])
    control(folder, "resample", [5, 9])
    control(folder, "best-of-n", [6, 20])
    text = said(folder)
    assert "resample     The search does not beat resample: -4 points" in text
    assert "best-of-n    The search does not beat best-of-n, but falls behind it: -50 points" in text
    assert "vs best-of-n The search does not beat best-of-n" in look("best", "--archive", folder).stdout
    status = look("status", "--archive", folder).stdout
    assert "control      resample: finished, has spent 91% of what the search has, best 9 of 24 solved" in status
    assert len(json.loads(look("status", "--archive", folder, "--json").stdout)["controls"]) == 2


@pytest.mark.parametrize("solved", [0, 24])
def test_a_seed_that_solves_nothing_or_everything(tmp_path: Path, solved: int) -> None:
    folder = tmp_path / "run"
    grow(folder, [solved, solved])
    control(folder, "resample", [solved, solved])
    control(folder, "best-of-n", [solved, solved])
    text = said(folder)
    assert text.count("The search does not beat") == 2
    assert "Every repetition had the same results" in text


def test_there_are_none_yet(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    assert look("controls", "--archive", folder).returncode == 1
    grow(folder, [6], load(None, {}))
    none = look("controls", "--archive", folder)
    assert none.returncode == 1
    assert "--amend run.controls" in none.stderr
    assert len(none.stderr.splitlines()) == 1
    assert "control" not in look("status", "--archive", folder).stdout
    grow(tmp_path / "wanted", [6])
    assert "resample     not begun" in said(tmp_path / "wanted")


def test_one_that_was_just_made_or_is_damaged(grown: Path) -> None:
    (folder_of(grown, "resample") / LOG).write_bytes(b"")
    assert "resample     new (nothing has happened yet): it has spent 0%" in said(grown)
    log = folder_of(grown, "best-of-n") / LOG
    log.write_bytes(log.read_bytes().replace(b"solved", b"sOlved", 1))
    told = look("controls", "--archive", grown)
    assert told.returncode == 4
    assert str(log) in told.stderr
    for command in ("status", "best"):
        assert look(command, "--archive", grown).returncode == 0, "the search can still be looked at"
    assert look("run", "--archive", grown).returncode == 4, "but what is spent has to be known"


def test_a_control_of_a_running_search(grown: Path) -> None:
    with Archive(folder_of(grown, "resample")) as archive:
        archive.configure(RunConfigured(1e9, "0", archive.tree.config, TASKS, "v1", held_out=HELD))
        assert "resample     running: it has spent 136% of what the search has" in said(grown)


@pytest.mark.parametrize("columns", [60, 80, 200])
def test_it_fits(grown: Path, columns: int) -> None:
    text = on_terminal([sys.executable, "-m", "dgm", "controls", "--archive", str(grown)], columns)
    assert "best-of-n" in text
    assert max(len(line) for line in text.splitlines() if str(grown) not in line) <= columns


def test_the_cap_that_would_be_enough(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    tree = grow(folder, [6, 20], usd=0.1)
    control(folder, "resample", [5], usd=0.1)
    found = standings(folder, tree, time.time(), lambda folder: False)
    assert found is not None
    words = cap_words(load(None, {}, [WANTED, "run.slots=2"]), found, folder)
    assert "$7.30 are spent, and $7.40 are left to do" in words
    assert "--set caps.usd_per_run=24.70 --amend caps.usd_per_run" in words


def test_the_plan_holds_for_the_controls_too(tmp_path: Path) -> None:
    price = ["models.default.usd_per_million_in=1", "models.default.usd_per_million_out=1", "sandbox.kind=local"]
    few = [*price, "run.evaluations=4", "run.slots=1", "caps.usd_per_job=0.1", "caps.usd_per_run=100"]

    def planned(*more: str) -> dict[str, object]:
        sets = [word for one in (*few, *more) for word in ("--set", one)]
        done = dgm("run", "--dry-run", "--json", *sets, "--archive", tmp_path / "run")
        assert done.returncode == 0, done.stderr
        found: dict[str, object] = json.loads(done.stdout)
        return found

    alone, both = planned(), planned(WANTED)
    assert both["controls"] == ["resample", "best-of-n"]
    one, all_three = alone["upper_bound_usd"], both["upper_bound_usd"]
    assert isinstance(one, float)
    assert all_three == pytest.approx(one + 2 * (one + 0.1))
    assert planned('run.controls=["resample"]', "caps.usd_per_run=0.5")["upper_bound_usd"] == 0.5
    assert planned("policy.usd=0.2")["upper_bound_usd"] == pytest.approx(0.2 + 0.1)


@pytest.mark.slow
def test_a_killed_control_goes_on(tmp_path: Path) -> None:
    few = ["run.tasks=3", "run.evaluations=4", "run.slots=2", "policy.seed_evaluations=2", "policy.warm_start=1"]
    sets = [word for one in (*few, "policy.alpha=0.1", "sandbox.kind=local", WANTED) for word in ("--set", one)]
    command = [sys.executable, "-m", "dgm", "run", *sets, "--archive", str(tmp_path / "run")]
    log = folder_of(tmp_path / "run", "best-of-n") / LOG
    with subprocess.Popen(command, env=environ(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        while process.poll() is None and (not log.exists() or log.read_bytes().count(b"\n") < 4):
            time.sleep(0.05)
        process.kill()
    assert process.returncode == -signal.SIGKILL, "it was killed in the second control"
    before = {name: read_tree(folder_of(tmp_path / "run", name)) for name in BOTH.run.controls}
    done = dgm("run", *sets, "--archive", tmp_path / "run")
    assert done.returncode == 0, done.stderr
    assert "best-of-n    The search" in done.stdout
    after = {name: read_tree(folder_of(tmp_path / "run", name)) for name in BOTH.run.controls}
    assert after["resample"].length == before["resample"].length
    assert after["best-of-n"].evaluations > before["best-of-n"].evaluations
    for folder in (tmp_path / "run", *(folder_of(tmp_path / "run", name) for name in BOTH.run.controls)):
        assert dgm("check", "--archive", folder).returncode == 0


def test_held_out_tasks_decide(grown: Path) -> None:
    search = Reader(grown)
    ours, theirs = agent_of(search, "best"), agent_of(search, "best-of-n:best")
    seed = search.tree.seeds[0]
    assert between(grown, search.tree, ours, theirs) is None
    use = Use(1e9, seed.id, ours.id, (ours.id, theirs.id), 1, HELD, "key")
    with using(grown):
        record(grown, use)
    with Archive(grown / FOLDER / "key" / "0") as cell:
        cell.configure(RunConfigured(1e9, "0", resolved(load(None, {})), HELD, "v1"))
        for number, wins in ((0, 1), (2, 12), (11, 2)):
            agent = cell.seed(source(number))
            for n, task in enumerate(HELD):
                cell.finish(cell.start(Evaluate(agent, task)).id, Verdict(n < wins))
    found = validated(grown, search.tree, use, [use])
    assert found.finished
    assert [score.solved for score in found.scores] == [1, 12, 2], "that of the control, too"
    match = between(grown, search.tree, ours, theirs)
    assert match is not None
    assert (match.pairs, len(match.gained), len(match.lost), match.verdict) == (12, 10, 0, "improved")
    text = said(grown)
    assert "On 12 held-out tasks, by which neither was chosen, the search beats best-of-n: +83 points" in text
    report = look("report", "--archive", grown)
    assert report.returncode == 0, report.stderr
    assert "the search beats best-of-n: +83 points" in report.stdout
