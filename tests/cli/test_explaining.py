"""`dgm explain`: jobs, agents and whole logs; what it says where there is nothing, or something else, to explain."""

import json
import re
import sys
from pathlib import Path

import pytest

from dgm.archive import LOG
from dgm.config import Config
from dgm.events import AgentBorn, AnyEvent, JobStarted, RunConfigured, decode, encode
from dgm.jobs import Evaluate
from dgm.log import HEAD, whole
from dgm.settings import resolved
from dgm.tree import Tree
from tests.cli.archives import TASKS, dgm, grow, look, on_terminal
from tests.test_explain import played


@pytest.fixture(scope="module")
def hgm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tmp_path_factory.mktemp("explain") / "hgm", played("hgm"))


def written(folder: Path, events: "list[AnyEvent] | tuple[AnyEvent, ...]") -> Path:
    folder.mkdir()
    (folder / LOG).write_bytes(whole(map(encode, events)))
    return folder


def test_a_job_is_explained(hgm: Path) -> None:
    tree = Tree(played("hgm"))
    agent = next(one for one in tree.agents.values() if one.depth > 1)
    assert agent.job is not None
    assert agent.parent is not None
    told = look("explain", agent.job, "--archive", hgm)
    assert told.returncode == 0
    assert f"expand {agent.parent.id[:8]}" in told.stdout
    assert f"{agent.id[:8]} was born" in told.stdout
    assert "the same job, from the log alone" in told.stdout
    assert re.search(r"widen: \d+ evaluations \^ 0.6 = [\d.]+ >= \d+ agents", told.stdout)
    assert re.search(r"\d\.\d{4}  \d+/\d+ \d\.\d{3} sd \d\.\d{3} .*  winner by \d\.\d{4}", told.stdout)
    assert "in 200 choices with other random numbers: " in told.stdout
    assert "(this one)" in told.stdout
    found = json.loads(look("explain", agent.job, "--archive", hgm, "--json").stdout)["choice"]
    assert found["same"] is True
    assert found["child"] == agent.id
    assert found["again"] == found["job"]
    (contest,) = [step["comparison"] for step in found["steps"] if step["comparison"]]
    assert contest["winner"] == agent.parent.id
    assert contest["margin"] == contest["candidates"][0]["value"] - contest["candidates"][1]["value"]


def test_without_a_name_it_is_the_last_job(hgm: Path) -> None:
    last = Tree(played("hgm")).next_job - 1
    assert look("explain", "--archive", hgm).stdout == look("explain", last, "--archive", hgm).stdout
    assert f"job {last} " in look("explain", "--archive", hgm, "--redraws", 0).stdout


def test_an_agent_is_explained(hgm: Path) -> None:
    tree = Tree(played("hgm"))
    agent = max(tree.agents.values(), key=lambda one: (one.depth, one.evaluations))
    told = look("explain", agent.id[:12], "--archive", hgm)
    assert told.returncode == 0
    assert f"its evaluations, {agent.evaluations} choice" in told.stdout
    assert f"its ancestors, {agent.depth - 1} choice" in told.stdout
    found = json.loads(look("explain", agent.id, "--archive", hgm, "--json").stdout)["choices"]
    assert found["birth"]["child"] == agent.id
    assert len(found["evaluations"]) == agent.evaluations
    assert "is a seed" in look("explain", "seed", "--archive", hgm).stdout


def test_all_choices_are_checked(hgm: Path) -> None:
    told = look("explain", "--check", "--archive", hgm)
    assert told.returncode == 0
    assert re.fullmatch(r"(\d+) choices: \1 recomputed as recorded, 0 not\n", told.stdout)
    assert json.loads(look("explain", "--check", "--json", "--archive", hgm).stdout)["different"] == 0


@pytest.mark.parametrize("name", ["race", "uct", "dgm", "pareto", "sica", "hgm-released"])
def test_json_is_strict(name: str, tmp_path: Path) -> None:
    """No infinity, which JSON has not."""

    def refuse(word: str) -> None:
        raise AssertionError(word)

    folder = written(tmp_path / name, played(name))
    for agent in list(Tree(played(name)).agents)[:4]:
        told = look("explain", agent, "--archive", folder, "--json", "--redraws", 2)
        json.loads(told.stdout, parse_constant=refuse)
        assert look("explain", agent, "--archive", folder, "--redraws", 2).returncode == 0


def test_a_choice_that_is_not_reproduced_is_told_first(tmp_path: Path) -> None:
    grow(tmp_path)
    told = look("explain", 1, "--archive", tmp_path)
    assert told.returncode == 0
    assert "recomputed NOT the same, but evaluate" in told.stdout
    assert "what follows led to the recomputed job, not to the recorded one" in told.stdout
    told = look("explain", "--check", "--archive", tmp_path)
    assert told.returncode == 1
    assert re.match(r"\d+ choices: \d+ recomputed as recorded, \d+ not\njob 1 ", told.stdout)


def test_a_changed_log_is_told_even_where_its_seals_fit(hgm: Path, tmp_path: Path) -> None:
    events = [decode(line[HEAD:]) for line in (hgm / LOG).read_bytes().splitlines()]
    place, started = next(
        (n, event)
        for n, event in enumerate(events)
        if isinstance(event, JobStarted) and event.id > 20 and isinstance(event.job, Evaluate)
    )
    assert isinstance(started.job, Evaluate)
    tree = Tree(events[:place])
    other = next(task for task in tree.untried(tree.agents[started.job.agent]) if task != started.job.task)
    events[place] = JobStarted(started.at, started.id, Evaluate(started.job.agent, other))
    folder = written(tmp_path / "forged", events[: place + 2])
    told = look("explain", started.id, "--archive", folder)
    assert "NOT the same" in told.stdout
    assert "the log was changed or mended" in told.stdout
    assert "the log was mended (before" not in told.stdout
    (folder / f"{LOG}.damaged-1").touch()
    assert "the log was mended (before" in look("explain", started.id, "--archive", folder).stdout
    assert f"on {other}" in told.stdout
    assert look("explain", "--check", "--archive", folder).returncode == 1
    (folder / LOG).write_bytes((hgm / LOG).read_bytes().replace(started.job.task.encode(), other.encode(), 1))
    assert look("explain", 5, "--archive", folder).returncode == 4


def test_where_there_is_nothing_to_explain(tmp_path: Path) -> None:
    told = look("explain", "--archive", tmp_path)
    assert (told.returncode, told.stdout) == (1, "")
    assert "holds no run" in told.stderr
    start = RunConfigured(1e9, "0", resolved(Config()), TASKS, "v1")
    empty = written(tmp_path / "empty", [start])
    seeded = written(tmp_path / "seeded", [start, AgentBorn(1e9, "1" * 40, "1" * 40)])
    for folder in (empty, seeded):
        for words in ([], ["7"]):
            told = look("explain", *words, "--archive", folder)
            assert (told.returncode, told.stdout) == (1, "")
            assert "nothing was chosen in this run yet" in told.stderr
        assert look("explain", "--check", "--archive", folder).stdout == "0 choices: 0 recomputed as recorded, 0 not\n"
    assert "is a seed" in look("explain", "seed", "--archive", seeded).stdout


def test_names_that_mean_nothing(hgm: Path) -> None:
    for name in ("0", "99999", "9" * 30, "nobody", "ffffffff"):
        told = look("explain", name, "--archive", hgm)
        assert (told.returncode, told.stdout) == (1, ""), name
        assert told.stderr.startswith("dgm: ")
        assert told.stderr.count("\n") == 1
    assert look("explain", "--redraws", "-1", "--archive", hgm).returncode == 2
    for words in (["--check"], ["3"]):
        told = look("explain", *words, "--policy", "os.system", "--archive", hgm)
        assert (told.returncode, told.stdout) == (1, "")
        assert "no part of this run was under the policy os.system, but under hgm" in told.stderr


@pytest.mark.parametrize("columns", [60, 80, 200])
def test_it_fits_the_terminal(hgm: Path, columns: int) -> None:
    said = on_terminal([sys.executable, "-m", "dgm", "explain", "best", "--archive", str(hgm)], columns)
    assert "its evaluations" in said
    shown = re.sub(r"\x1b\[[0-9;]*m", "", said)
    assert max(len(line) for line in shown.splitlines() if "`" not in line) <= columns, "but for a command to be pasted"


def test_ascii(hgm: Path) -> None:
    told = dgm("explain", "best", "--archive", hgm, PYTHONIOENCODING="ascii", NO_COLOR="1")
    assert told.returncode == 0
    assert told.stdout.isascii()
