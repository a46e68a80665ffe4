"""A run, opened from Python: its frames against a fold of the raw log that shares no code with them."""

import json
import re
import subprocess
import sys
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any
from zlib import crc32

import networkx
import pandas
import pytest

import dgm
from dgm.archive import LOG, Archive, NoArchive
from dgm.belief import quantile
from dgm.columns import COLUMNS, INDEXED
from dgm.jobs import Evaluate, Verdict
from dgm.log import Damaged
from dgm.report import NoSuchAgent
from tests.cli.archives import HOSTILE, TASKS, grow

TABLES = ("agents", "results", "jobs", "costs")
README = Path(__file__).parents[1] / "README.md"


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    folder = tmp_path_factory.mktemp("opened") / "run"
    return folder, grow(folder)


def raw(folder: Path) -> list[dict[str, Any]]:
    """The events, read as `archive/README.md` says."""
    crc, events = 0, []
    for line in (folder / LOG).read_bytes().splitlines():
        crc = crc32(line[9:], crc)
        assert line[:8] == b"%08x" % crc
        events.append(json.loads(line[9:]))
    return events


def dtypes(frame: pandas.DataFrame) -> dict[str, str]:
    return {str(column): str(kind) for column, kind in frame.dtypes.items()}


def test_frames_are_what_the_raw_log_says(grown: tuple[Path, list[str]]) -> None:
    run, events = dgm.open_run(grown[0]), raw(grown[0])
    started = {event["id"]: event for event in events if event["event"] == "job_started"}
    ends = [event for event in events if event.get("job") and event["event"] != "job_started"]
    scored = [event for event in ends if event["event"] == "task_scored"]
    tallies: dict[str, Counter[bool]] = defaultdict(Counter)
    usd: Counter[str] = Counter()
    for event in ends:
        usd[started[event["job"]]["job"]["agent"]] += event.get("usage", {}).get("usd", 0)
    for event in scored:
        tallies[started[event["job"]]["job"]["agent"]][event["solved"]] += 1
    parents = {event["agent"]: event.get("parent") for event in events if event["event"] == "agent_born"}
    clades: dict[str, Counter[bool]] = defaultdict(Counter)
    for agent in parents:
        above: str | None = agent
        while above:
            clades[above].update(tallies[agent])
            above = parents[above]

    agents = run.agents
    assert list(agents.index) == list(parents) == grown[1]
    assert [None if pandas.isna(one) else one for one in agents["parent"]] == list(parents.values())
    for agent, row in agents.iterrows():
        own, clade = tallies[str(agent)], clades[str(agent)]
        assert (row["solved"], row["failed"]) == (own[True], own[False])
        assert (row["clade_solved"], row["clade_failed"]) == (clade[True], clade[False])
        assert row["rate"] == pytest.approx(own[True] / own.total())
        assert row["clade_rate"] == pytest.approx(clade[True] / clade.total())
        assert row["belief"] == quantile(own[True], own[False], 0.05)
        assert (row["low"], row["high"]) == tuple(quantile(own[True], own[False], tail) for tail in (0.05, 0.95))
        assert row["usd"] == pytest.approx(usd[str(agent)])
    assert agents["stillborn"].tolist() == [1, 0, 0]
    assert agents["best"].tolist() == [False, False, True]
    assert agents["summary"].iloc[1].startswith(HOSTILE[:6])

    results = run.results
    assert results["job"].tolist() == [event["job"] for event in scored]
    assert results["solved"].tolist() == [event["solved"] for event in scored]
    assert results["task"].tolist() == [started[event["job"]]["job"]["task"] for event in scored]
    times = [one.timestamp() for one in results["at"]]
    assert times == pytest.approx([event["at"] for event in scored], abs=1e-6)
    assert [json.loads(one) if one else [] for one in results["flags"]] == [event.get("flags", []) for event in scored]

    jobs = run.jobs
    assert jobs.index.tolist() == list(started)
    assert jobs["outcome"].value_counts().to_dict() == {
        "solved": 6, "unsolved": 6, "born": 2, "infra": 1, "stillborn": 1, "running": 1
    }  # fmt: skip
    assert jobs["ended"].isna().sum() == 1
    costs = run.costs
    assert costs["job"].tolist() == [event["job"] for event in ends]
    assert costs["usd_total"].iloc[-1] == pytest.approx(sum(usd.values()))
    assert costs["evaluations"].iloc[-1] == len(scored)
    assert (costs["hours"].diff().dropna() >= 0).all()


def test_the_lineage_has_what_the_frame_has(grown: tuple[Path, list[str]]) -> None:
    run = dgm.open_run(grown[0])
    graph, agents = run.lineage, run.agents
    assert networkx.is_arborescence(graph)
    assert list(graph.edges) == list(zip(grown[1], grown[1][1:], strict=False))
    for agent, node in graph.nodes(data=True):
        for name, value in node.items():
            if name != "born":
                assert value == agents.loc[agent, name]
        gone = set(agents.columns) - set(node) - {"parent"}
        assert all(pandas.isna(agents.loc[agent, name]) for name in gone)
    assert graph.edges[grown[1][1], grown[1][2]] == {
        "job": 2, "usd": 0.25, "calls": 2, "tokens_in": 1000, "tokens_out": 100, "seconds": 3.0,
        "both": 4, "gained": 2, "lost": 0,
    }  # fmt: skip


def test_an_empty_run_has_every_column(tmp_path: Path, grown: tuple[Path, list[str]]) -> None:
    (tmp_path / LOG).touch()
    empty, full = dgm.open_run(tmp_path), dgm.open_run(grown[0])
    for name in TABLES:
        frame, documented = getattr(empty, name), dict(COLUMNS[name])
        if name in INDEXED:
            assert frame.index.name == next(iter(documented))
            del documented[frame.index.name]
        assert len(frame) == 0
        assert (
            dtypes(frame) == dtypes(getattr(full, name)) == {column: kind for column, (kind, _) in documented.items()}
        )
    assert len(empty.conversations()) == len(empty.lineage) == 0
    with pytest.raises(NoSuchAgent):
        empty.agent("best")


def test_it_follows_a_run_that_goes_on(tmp_path: Path) -> None:
    seed = grow(tmp_path / "run")[0]
    run = dgm.open_run(tmp_path / "run")
    before = run.agents
    with Archive(tmp_path / "run") as archive:
        (running,) = archive.tree.running
        archive.finish(running, Verdict(True))
        job = archive.start(Evaluate(seed, TASKS[4]))
        assert len(run.results) == 12
        assert run.refresh() == 2
        assert run.refresh() == 0
        assert len(run.results) == 13
        assert run.agents.loc[seed, "solved"] == before.loc[seed, "solved"] + 1
        assert run.jobs.loc[job.id, "outcome"] == "running"


def test_a_torn_end_is_no_damage_and_damage_is_named(tmp_path: Path) -> None:
    grow(tmp_path)
    log = tmp_path / LOG
    text = log.read_bytes()
    log.write_bytes(text[:-10])
    assert dgm.open_run(tmp_path).tree.length == text.count(b"\n") - 1
    log.write_bytes(text.replace(b"toy/1", b"toy/2", 1))
    with pytest.raises(Damaged, match="line 1"):
        dgm.open_run(tmp_path)
    with pytest.raises(NoArchive):
        dgm.open_run(tmp_path / "nowhere")


def test_frames_are_the_readers_own(grown: tuple[Path, list[str]]) -> None:
    run = dgm.open_run(grown[0])
    frame = run.agents
    frame["solved"] = -1
    assert (run.agents["solved"] >= 0).all()


def test_sources_and_what_was_said(grown: tuple[Path, list[str]]) -> None:
    run = dgm.open_run(grown[0])
    assert run.agent("seed") == grown[1][0]
    assert run.source("best")["start"].text == "echo 2\n"
    assert "-echo 0\n+echo 2" in run.diff("seed", "best")
    job = int(run.jobs.index[run.jobs["outcome"] == "infra"][0])
    assert "hello" in run.transcript(job)
    assert run.transcript(1) == ""
    with pytest.raises(KeyError):
        run.transcript(999)


@pytest.mark.parametrize(("library", "what"), [("pandas", "agents"), ("networkx", "lineage")])
def test_a_missing_library_is_named(grown: tuple[Path, list[str]], library: str, what: str) -> None:
    code = (
        f"import sys; sys.modules[{library!r}] = None\nimport dgm\nrun = dgm.open_run({str(grown[0])!r})\n"
        f"print(len(run.source('best')))\nrun.{what}"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout == "3\n"
    assert done.stderr.splitlines()[-1].endswith(f"{library}, which is not installed: pip install 'dgm[analysis]'")


def test_opening_a_run_loads_nothing_heavy(grown: tuple[Path, list[str]]) -> None:
    code = (
        f"import sys, dgm\ndgm.open_run({str(grown[0])!r}).agent('seed')\n"
        "print({'pandas', 'numpy', 'networkx'} & set(sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"


def test_the_readmes_example_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    grow(tmp_path / "archive/run")
    monkeypatch.chdir(tmp_path)
    section = README.read_text().split("## From Python", 1)[1]
    code = re.search(r"```python\n(.*?)```", section, re.DOTALL)
    assert code is not None
    exec(compile(code[1], "README.md", "exec"), {})
