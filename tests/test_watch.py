"""The watcher, on logs that grow."""

import io
import re
from pathlib import Path

import pytest
from rich.console import Console

from dgm.archive import Archive
from dgm.config import Config, PolicyConfig, RunConfig
from dgm.events import RunConfigured
from dgm.jobs import Evaluate, Expand, Failure, Rewrite, Verdict
from dgm.policies import ONCE
from dgm.settings import resolved
from dgm.watch import ECHO, Feed, Lines, Panel, panel, watching
from tests.cli.archives import BUDGET, HOSTILE, TASKS, grow, source


def test_a_feed_tells_what_is_new(tmp_path: Path) -> None:
    agents = grow(tmp_path / "run")
    feed = Feed(tmp_path / "run")
    assert feed.step()[1] == []
    with Archive(tmp_path / "run") as archive:
        job = archive.start(Expand(agents[0]))
        archive.finish(job.id, Rewrite(source(7), HOSTILE))
        job = archive.start(Evaluate(agents[1], TASKS[4]))
        archive.finish(job.id, Failure("infra", HOSTILE))
        archive.pause("no answer", 5.0)
        archive.end(0, "done")
    now, said = feed.step()
    assert now.agents == 4
    assert [word in line for word, line in zip(("new agent", "infra", "paused", "ended"), said, strict=True)] == [
        True
    ] * 4
    assert all(line.isprintable() for line in said)
    assert feed.step()[1] == []


def test_a_new_best_agent_is_news(tmp_path: Path) -> None:
    agents = grow(tmp_path / "run")
    feed = Feed(tmp_path / "run")
    with Archive(tmp_path / "run") as archive:
        job = archive.start(Expand(agents[0]))
        archive.finish(job.id, Rewrite(source(7), "better"))
        newest = list(archive.tree.agents)[-1]
        for task in TASKS:
            job = archive.start(Evaluate(newest, task))
            archive.finish(job.id, Verdict(True))
    assert newest[:8] in feed.step()[1][-1]


def test_where_agents_are_only_measured_none_is_the_best(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = Config(policy=PolicyConfig(name=ONCE))
    with Archive(tmp_path / "cell") as archive:
        archive.configure(RunConfigured(1e9, "0", resolved(config), TASKS, "v"))
        agents = [archive.seed(source(n)) for n in range(2)]
        lines = Lines(Feed(tmp_path / "cell"))
        job = archive.start(Evaluate(agents[1], TASKS[0]))
        archive.finish(job.id, Verdict(True))
    lines.show()
    said = capsys.readouterr().err
    assert "1 of" in said
    assert "best" not in said


def test_many_events_are_few_lines(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    agents = grow(tmp_path / "run")
    lines = Lines(Feed(tmp_path / "run"))
    with Archive(tmp_path / "run") as archive:
        for n in range(9):
            job = archive.start(Expand(agents[0]))
            archive.finish(job.id, Rewrite(source(n + 10), "a change"))
    lines.show()
    told = capsys.readouterr()
    assert told.out == ""
    assert len(told.err.splitlines()) == Lines.MOST + 2
    assert "5 earlier events" in told.err


def test_the_panel_leaves_room_for_what_is_typed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    grow(tmp_path / "run")
    for name, value in (("COLUMNS", "60"), ("FORCE_COLOR", "1"), ("TERM", "xterm")):
        monkeypatch.setenv(name, value)
    shown = Panel(Feed(tmp_path / "run"))
    shown.show()
    shown.close()
    lines = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "\r", capsys.readouterr().err).splitlines()
    assert 40 < max(map(len, lines)) <= 60 - ECHO


def test_the_panel_shows_how_things_stand(tmp_path: Path) -> None:
    grow(tmp_path / "run")
    feed = Feed(tmp_path / "run")
    screen = io.StringIO()
    console = Console(file=screen, width=100)
    console.print(panel(feed.status(), ["12:00:00 new agent"], 3.0, feed.tree.last + 90))
    text = screen.getvalue()
    for word in (f"12 of {BUDGET}", "3.0 a minute", "1 infra", "evaluate", "new agent", "simulation"):
        assert word in text
    assert "\x1b" not in text


def test_a_watcher_that_fails_is_not_the_runs_trouble(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with watching(tmp_path / "none", terminal=False) as watcher:
        watcher.say("still here")
    assert "the run goes on" in capsys.readouterr().err


def test_a_budget_that_a_policy_splits_is_shown_as_such(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = resolved(Config(run=RunConfig(evaluations=20), policy=PolicyConfig(name="race", seed_evaluations=4)))
    with Archive(tmp_path / "run") as archive:
        archive.configure(RunConfigured(1e9, "0", settings, TASKS, "v1"))
        seed = archive.seed(source(0))
        for task in TASKS[:4]:
            archive.finish(archive.start(Evaluate(seed, task)).id, Verdict(False))
        archive.finish(archive.start(Expand(seed)).id, Rewrite(source(1), "a change"))
    feed = Feed(tmp_path / "run")
    screen = io.StringIO()
    Console(file=screen, width=120).print(panel(feed.status(), [], 3.0, feed.tree.last + 90))
    for words in ("18% spent: 9 of 50 evaluations' worth (4 evaluations, 1 expansion at 5)", "4, 0 solved"):
        assert words in screen.getvalue()
    assert "about 6 min" in screen.getvalue(), "82 % at the pace of the first 18 %"
    lines = Lines(feed)
    lines.show()
    lines.show()
    assert capsys.readouterr().err.count("the seed has not solved any of the 4 tasks") == 1
