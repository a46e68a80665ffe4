"""`replay` as a process: to the end, killed, capped, and refused."""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from dgm import trust
from dgm.archive import LOG, Archive, read_tree
from dgm.config import Config
from dgm.events import JobStarted, RunConfigured, TaskScored
from dgm.files import File, write_folder
from dgm.jobs import Evaluate, Expand, Rewrite, Verdict
from dgm.log import LogReader
from dgm.settings import build, resolved
from tests.cli.archives import SECONDS, Told, dgm, environ, look
from tests.provider_server import KEY, Provider, provider
from tests.shells import SMOKED, shell

TASKS = ("starter/slug", "starter/trie", "starter/semver")
HELD_OUT = "starter/units"
FREE = {"usd_per_million_in": 0.0, "usd_per_million_out": 0.0}
LOCAL = {"sandbox": {"kind": "local"}, "run": {"slots": 1}}


def grow(folder: Path, config: Config, script: str = "") -> list[str]:
    """A run of a seed and a child that solves more, as if it had been started on this machine."""
    trust.accept(resolved(config))
    with Archive(folder) as archive:
        archive.configure(RunConfigured(1e9, "0", resolved(config), TASKS, "v", held_out=(HELD_OUT,)))
        seed = archive.seed(shell(f"{SMOKED}\n{script}"))
        job = archive.start(Expand(seed))
        archive.finish(job.id, Rewrite(shell(f"{SMOKED}\n{script}\necho 2 > new.txt"), "better"))
        child = next(reversed(archive.tree.agents))
        for task in TASKS:
            archive.finish(archive.start(Evaluate(child, task)).id, Verdict(True))
    return [seed, child]


@pytest.fixture
def run(tmp_path: Path) -> Path:
    grow(tmp_path / "run", build(LOCAL))
    return tmp_path / "run"


def scores(replay: Path) -> Counter[tuple[str, str, str]]:
    """How often each cell, agent and task has a verdict."""
    found: Counter[tuple[str, str, str]] = Counter()
    for log in replay.glob(f"*/{LOG}"):
        started: dict[int, JobStarted] = {}
        for event in LogReader(log).events():
            if isinstance(event, JobStarted):
                started[event.id] = event
            elif isinstance(event, TaskScored):
                job = started[event.job].job
                found[log.parent.name, job.agent, str(job.task)] += 1
    return found


def test_a_replay_is_driven_to_its_end_and_then_only_read(tmp_path: Path, run: Path) -> None:
    write_folder({"start": File(b"exit 3\n", True)}, tmp_path / "broken")
    write_folder(shell(f"{SMOKED}\necho 3 > new.txt"), tmp_path / "mine")
    words = ["replay", "best", "--archive", run, "--agent-dir", tmp_path / "mine", "--agent-dir", tmp_path / "broken"]
    before = (run / LOG).read_bytes()
    first = dgm(*words, "--csv", tmp_path / "t.csv", "--repeats", "2")
    assert first.returncode == 0, first.stderr
    assert "broken is left out: it ended the smoke test with exit code 3" in first.stderr
    assert "  broken is left out: it ended the smoke test with exit code 3" in first.stdout
    assert "3 tasks, 1 left out that the run holds out" in first.stdout
    assert "improved" not in first.stdout
    assert first.stdout.count("simulation") == 1
    replay = run / "replays" / "starter--scripted"
    assert set(scores(replay).values()) == {1}
    assert len(scores(replay)) == 3 * 3 * 2
    assert HELD_OUT not in {task for _, _, task in scores(replay)}
    assert (run / LOG).read_bytes() == before
    assert len((tmp_path / "t.csv").read_text().splitlines()) == 1 + 4
    lengths = [path.stat().st_size for path in sorted(replay.glob(f"*/{LOG}"))]
    again = dgm("replay", "best", "--archive", run, "--repeats", "2", "--json")
    told = json.loads(again.stdout)
    assert (again.returncode, told["code"]) == (0, 0)
    (group,) = told["groups"]
    assert [row["attempts"] for row in group["rows"]] == [6, 6, 6, 0]
    assert [path.stat().st_size for path in sorted(replay.glob(f"*/{LOG}"))] == lengths
    (listed,) = json.loads(look("replay", "--list", "--archive", run, "--json").stdout)["replays"]
    assert (listed["state"], listed["evaluations"], listed["planned"], listed["agents"]) == ("finished", 18, 18, 4)
    assert look("check", "--archive", run).returncode == 0


@pytest.mark.slow
def test_a_killed_replay_goes_on_with_nothing_lost_and_nothing_done_twice(tmp_path: Path) -> None:
    run = tmp_path / "run"
    grow(run, build(LOCAL), "sleep 0.3")
    words = ["replay", "best", "--archive", str(run), "--repeats", "2"]
    replay = run / "replays" / "starter--scripted"
    kills = 0
    for least in (2, 8):
        process = subprocess.Popen(
            [sys.executable, "-m", "dgm", *words],
            env=environ(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        until = time.monotonic() + SECONDS
        while len(scores(replay)) < least and process.poll() is None:
            assert time.monotonic() < until
            time.sleep(0.02)
        kills += process.poll() is None
        process.send_signal(signal.SIGKILL)
        process.wait()
        had = scores(replay)
        assert had
    assert kills == 2
    (listed,) = json.loads(look("replay", "--list", "--archive", run, "--json").stdout)["replays"]
    assert listed["state"] == "unfinished"
    done = dgm(*words)
    assert done.returncode == 0, done.stderr
    assert set(scores(replay).values()) == {1}
    assert had.keys() <= scores(replay).keys()
    assert len(scores(replay)) == 2 * 3 * 2


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ((), 2, "which AGENT?"),
        (("zzzz",), 1, "no agent is called 'zzzz'"),
        (("best", "--on", "nonsense"), 2, "no folder 'nonsense'"),
        (("best", "--on", "starter,starter/.."), 2, "starter"),
        (("best", "--agent-dir", "nowhere"), 2, "there is no such folder"),
        (("best", "--name", "../up"), 2, "is no name for a folder"),
        (("best", "--csv", "no/where.csv"), 2, "name a file in a folder that is there"),
        (("best", "--figure", "x.bmp"), 2, "has to end in .png"),
        (("best", "--predictions", "there"), 2, "none of these benchmarks is one of SWE-bench's kind"),
        (("best", "--set", "run.tasks=30"), 2, "there are 29 tasks to draw from"),
        (("best", "--set", "run.tsks=3"), 2, "did you mean `run.tasks`"),
        (("best", "--set", f'run.tasks=["{HELD_OUT}"]'), 2, f"run.tasks has {HELD_OUT}, which the run holds out"),
    ],
)
def test_what_cannot_be_is_refused_in_a_line_before_anything_is_made(
    run: Path, words: tuple[str, ...], code: int, said: str
) -> None:
    done = look("replay", *words, "--archive", run)
    assert done.returncode == code, done.stderr
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not (run / "replays").exists()


def test_other_settings_are_refused_before_anything_is_paid_for(run: Path) -> None:
    assert dgm("replay", "best", "--archive", run, "--set", "run.tasks=1").returncode == 0
    done = look("replay", "best", "--archive", run, "--set", "attempt.seconds=9")
    assert done.returncode == 2
    assert "differ in attempt.seconds" in done.stderr
    assert "--name" in done.stderr


def test_a_benchmark_may_be_named_by_another_path_and_not_have_other_tasks(run: Path, tmp_path: Path) -> None:
    task = tmp_path / "mine" / "tasks" / "one"
    test = "import unittest\n\n\nclass A(unittest.TestCase):\n    def test_a(self):\n        open('new.txt').close()\n"
    for name, text in (("task.md", "Make new.txt."), ("work/a.py", "\n"), ("hidden/tests/test_a.py", test)):
        (task / name).parent.mkdir(parents=True, exist_ok=True)
        (task / name).write_text(text)
    (tmp_path / "mine" / "benchmark.toml").write_text('name = "mine"\nproven = true\n')
    words = ("replay", "best", "--archive", run, "--name", "one", "--on")
    done = dgm(*words, "./mine", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert dgm(*words, tmp_path / "mine").returncode == 0
    (task / "task.md").write_text("Make old.txt.")
    other = dgm(*words, tmp_path / "mine")
    assert other.returncode == 2
    assert "differ in benchmark" in other.stderr


def test_a_plan_says_what_it_may_cost_and_makes_nothing(run: Path) -> None:
    words = ("replay", "best", "--archive", run, "--dry-run", "--usd", "7.5", "--repeats", "3")
    free = look(*words)
    assert free.returncode == 0, free.stderr
    assert "18 evaluations, 0 done" in free.stdout
    assert "cost         at most $0.00\n" in free.stdout
    prices = [f"--set=models.default.usd_per_million_{way}=1" for way in ("in", "out")]
    plan = json.loads(look(*words, *prices, "--json").stdout)
    (block,) = plan["blocks"]
    assert (block["evaluations"], block["upper_bound_usd"], plan["upper_bound_usd"]) == (18, 90, 7.5)
    assert not (run / "replays").exists()


def test_an_archive_without_a_run_or_without_agents_is_told_so(tmp_path: Path) -> None:
    assert look("replay", "best", "--archive", tmp_path).returncode == 1
    with Archive(tmp_path / "new") as archive:
        archive.configure(RunConfigured(1e9, "0", resolved(Config()), TASKS, "v"))
    done = look("replay", "best", "--archive", tmp_path / "new")
    assert (done.returncode, done.stdout) == (1, "")
    assert "no agents yet" in done.stderr
    assert "has no replays yet" in look("replay", "--list", "--archive", tmp_path / "new").stderr


@pytest.fixture
def server() -> Iterator[Provider]:
    with provider() as running:
        yield running


@pytest.mark.slow
def test_a_replay_stops_at_its_cap_and_goes_on_with_more(tmp_path: Path, server: Provider) -> None:
    """Each call costs 0.11 USD, and each attempt makes one."""
    model = {"name": "openai/m", "api_base": server.url, "api_key_env": "THE_KEY", "max_tokens": 20}
    model |= {"usd_per_million_in": 100.0, "usd_per_million_out": 10_000.0}
    caps = {"usd_per_job": 0.5, "usd_per_call": 0.4}
    sandbox = {"kind": "local", "local_with_real_models": True}
    run = tmp_path / "run"
    grow(run, build({**LOCAL, "models": {"default": model}, "caps": caps, "sandbox": sandbox}))

    def replay(*more: str) -> Told:
        cache = {"DGM_CACHE": str(tmp_path / "cache")}
        done = dgm("replay", "best", "--archive", run, "--repeats", "2", "--trust", *more, THE_KEY=KEY, **cache)
        assert KEY not in done.stdout + done.stderr
        return done

    stopped = replay("--usd", "1.2")
    assert stopped.returncode == 3, stopped.stderr
    assert "With a larger --usd it goes on" in stopped.stderr
    assert "missing" in stopped.stdout
    folder = run / "replays" / "starter--openai-m"
    had = sum(scores(folder).values())
    assert 0 < had < 12
    (listed,) = json.loads(look("replay", "--list", "--archive", run, "--json").stdout)["replays"]
    assert listed["state"] == "stopped at a spending cap"
    assert listed["usd"] == pytest.approx(0.11 * had)
    calls = len(server.seen)
    assert replay("--usd", "1.2").returncode == 3
    assert len(server.seen) == calls, "nothing is paid to find out that it is not enough"
    finished = replay("--usd", "9")
    assert finished.returncode == 0, finished.stderr
    assert set(scores(folder).values()) == {1}
    assert len(scores(folder)) == 12
    spent = sum(read_tree(log.parent).spent.usd for log in folder.glob(f"*/{LOG}"))
    assert spent == pytest.approx(0.11 * 12)
    assert KEY not in "".join(path.read_text(errors="replace") for path in folder.rglob("*") if path.is_file())
    other = replay("--usd", "9", "--name", "again")
    assert other.returncode == 0, other.stderr
    assert "12 verdicts had been paid for before" in other.stdout
    assert os.environ.get("THE_KEY") is None


def test_an_archive_from_elsewhere_gets_no_key_and_runs_nothing(tmp_path: Path, server: Provider) -> None:
    model = {"name": "openai/m", "api_base": server.url, "api_key_env": "SECRET", **FREE}
    sandbox = {"kind": "local", "local_with_real_models": True}
    run = tmp_path / "run"
    grow(run, build({**LOCAL, "models": {"default": model}, "sandbox": sandbox}), f"touch {tmp_path / 'ran'}")
    here = {"DGM_CACHE": str(tmp_path / "cache"), "SECRET": KEY}
    for words in (("replay", "seed"), ("validate",)):
        done = dgm(*words, "--archive", run, **here)
        assert (done.returncode, done.stdout) == (2, "")
        assert f"solve by openai/m at {server.url} with the key in $SECRET" in done.stderr
        assert "sandbox local" in done.stderr
        assert "--trust" in done.stderr
    assert not server.seen
    assert not (tmp_path / "ran").exists()
    local = tmp_path / "mine.toml"
    local.write_text('[sandbox]\nkind = "local"\n')
    assert dgm("replay", "seed", "--archive", run, "--config", local, "--model", "scripted", **here).returncode == 0
    assert not server.seen
    assert dgm("replay", "seed", "--archive", run, "--trust", "--name", "theirs", **here).returncode in (0, 1)
    assert server.seen
