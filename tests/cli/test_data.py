"""The command `data`: what it writes can be read again, and nothing leaves that must not."""

import errno
import json
import shutil
import subprocess
import sys
import unicodedata
from pathlib import Path
from typing import Any

import networkx
import pandas
import pytest
from pandas.testing import assert_frame_equal

import dgm
from dgm.archive import LOG, Archive
from dgm.attempt import Attempt
from dgm.columns import COLUMNS
from dgm.config import Config
from dgm.data import LINEAGE
from dgm.durable import placing
from dgm.events import AgentBorn, JobStarted, RunConfigured, TaskScored, encode
from dgm.files import pack
from dgm.jobs import Evaluate, Expand, Failure, Rewrite, Usage, Verdict
from dgm.ledger import Ledger
from dgm.log import whole
from dgm.run import start_run
from dgm.settings import load, resolved
from dgm.store import save
from dgm.text import csv_cell
from dgm.trajectories import DIAGNOSES
from dgm.wire import parse
from tests.cli.archives import TASKS, grow, look, source

TABLES = ("agents", "results", "jobs", "costs")
KEY = "sk-secret-of-the-provider"


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data") / "run"
    grow(folder)
    return folder


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with the scripted model."""
    folder = tmp_path_factory.mktemp("recorded") / "run"
    words = [
        "sandbox.kind=local",
        "run.evaluations=4",
        "policy.seed_evaluations=3",
        "policy.warm_start=1",
        "run.slots=2",
    ]
    with start_run(load(None, {}, words), folder, {}) as run:
        run.go()
    return folder


def talk(archive: Archive, job: int, role: str, *texts: str, first: str = "") -> None:
    ledger = Ledger(archive.folder(job), durable=False, role=role)
    messages: list[dict[str, Any]] = [{"role": "system", "content": first}] if first else []
    for text in texts:
        messages.append({"role": "user", "content": text})
        reply = {"role": "assistant", "content": f"re: {text}"}
        call = ledger.reserve(0.0, {"model": "m", "messages": messages})
        ledger.settle(call, Usage(0.5, 1, 10, 5), 0.1, {"choices": [{"message": reply}]})
        messages.append(reply)
    ledger.close()


@pytest.fixture(scope="module")
def talkative(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A solved and an unsolved attempt, one that was graded later, one on a task that was then held out, a child."""
    folder = tmp_path_factory.mktemp("talkative") / "run"
    with Archive(folder) as archive:
        settings = RunConfigured(1e9, "0", resolved(Config()), TASKS, "v1")
        archive.configure(settings)
        seed = archive.seed(source(0))
        for number, task in enumerate(TASKS[:3]):
            job = archive.start(Evaluate(seed, task))
            talk(archive, job.id, "solve", f"task {number}", f"key {KEY}")
            archive.finish(job.id, Verdict(number == 0, Usage(1.0, 2, 20, 10, 1.0)))
        lost = archive.start(Evaluate(seed, TASKS[3]))
        talk(archive, lost.id, "solve", "graded later")
        archive.finish(lost.id, Failure("infra", "no engine"))
        later = archive.start(Evaluate(seed, TASKS[3]))
        save(archive.folder(later.id) / "attempt.json", Attempt(pack({}), (), "exited", 0, (), 1.0, job=lost.id))
        archive.finish(later.id, Verdict(True))
        job = archive.start(Expand(seed, TASKS[1]))
        talk(archive, job.id, "", "what is weak?", first=DIAGNOSES)
        talk(archive, job.id, "", "write it")
        assert isinstance(archive.finish(job.id, Rewrite(source(1), "better")), AgentBorn)
        archive.start(Evaluate(seed, TASKS[4]))
        archive.configure(RunConfigured(1e9, "0", settings.config, TASKS, "v1", held_out=(TASKS[2],)))
        archive.configure(settings)
    return folder


def written(archive: Path, to: Path, *words: object) -> Path:
    done = look("data", to, "--archive", archive, *words)
    assert done.returncode == 0, done.stderr
    return to


def lines(archive: Path, to: Path, *words: object) -> list[dict[str, Any]]:
    return [json.loads(line) for line in written(archive, to, *words).read_text().splitlines()]


def frame(archive: Path, name: str) -> pandas.DataFrame:
    found = getattr(dgm.open_run(archive), name)
    return found.reset_index() if name in ("agents", "jobs") else found


def typed(found: pandas.DataFrame, name: str) -> pandas.DataFrame:
    return found.astype({column: kind for column, (kind, _) in COLUMNS[name].items()})


def test_parquet_comes_back_as_it_was(grown: Path, tmp_path: Path) -> None:
    folder = written(grown, tmp_path / "out", "--format", "parquet")
    for name in TABLES:
        assert_frame_equal(typed(pandas.read_parquet(folder / f"{name}.parquet"), name), frame(grown, name))


def test_csv_comes_back_with_its_texts_disarmed(grown: Path, tmp_path: Path) -> None:
    folder = written(grown, tmp_path / "out")
    for name in TABLES:
        times = [column for column, (kind, _) in COLUMNS[name].items() if kind.startswith("datetime")]
        found = pandas.read_csv(folder / f"{name}.csv", parse_dates=times, keep_default_na=False, na_values={
            column: [""] for column in COLUMNS[name] if column not in ("summary", "reason", "flags")
        })  # fmt: skip
        expected = frame(grown, name)
        for column in ("summary", "reason", "flags"):
            if column in expected:
                expected[column] = expected[column].map(csv_cell)
        assert_frame_equal(typed(found, name), typed(expected, name))
        text = (folder / f"{name}.csv").read_text()
        assert not [c for c in text if unicodedata.category(c) in ("Cc", "Cf") and c != "\n"]
    legend = pandas.read_csv(folder / "columns.csv")
    assert set(legend["table"]) == set(COLUMNS)


def test_a_spreadsheet_computes_nothing() -> None:
    assert [csv_cell(text) for text in ("=1+1", "+1", "@x", "-x", "\t=1", "plain")] == [
        "'=1+1", "'+1", "'@x", "'-x", " =1", "plain"
    ]  # fmt: skip


def test_graphml_comes_back_though_texts_are_hostile(grown: Path, tmp_path: Path) -> None:
    found = networkx.read_graphml(written(grown, tmp_path / "tree.graphml"))
    expected = dgm.open_run(grown).lineage
    assert list(found.edges) == list(expected.edges)
    for agent, node in expected.nodes(data=True):
        kept = {name: value for name, value in node.items() if name != "summary"}
        assert {name: value for name, value in found.nodes[agent].items() if name != "summary"} == kept
    assert all(found.edges[edge] == expected.edges[edge] for edge in expected.edges)


def test_text_that_no_run_of_ours_would_have_let_in_breaks_nothing(tmp_path: Path) -> None:
    summary = "=1 \x00 \x1b[2J \ufffe \u202e ]]> <b> & \r\n \ud83d\ude00"
    events = [
        RunConfigured(1e9, "0", {}, ("t/\x07",), "v"),
        AgentBorn(1e300, "a" * 40, "a" * 40, summary=summary.encode("utf-16", "surrogatepass").decode("utf-16")),
        JobStarted(1e9, 1, Evaluate("a" * 40, "t/\x07")),
        TaskScored(1e9, 1, True, flags=("=2", "\x1b")),
    ]
    (tmp_path / LOG).write_bytes(whole(map(encode, events)))
    folder = written(tmp_path, tmp_path / "out")
    (node,) = networkx.read_graphml(folder / LINEAGE).nodes.values()
    shown = "=1 \\x00 \\x1b[2J \\ufffe \\u202e ]]> <b> &"
    assert node["summary"].startswith(shown)
    agents = pandas.read_csv(folder / "agents.csv")
    assert agents["summary"][0].startswith(f"'{shown}")
    assert agents["born"].isna().all()
    assert pandas.read_csv(folder / "results.csv")["task"][0] == "t/\\x07"
    parquet = pandas.read_parquet(written(tmp_path, tmp_path / "agents.parquet"))
    assert parquet["summary"][0].startswith("=1 \x00 \x1b[2J \ufffe \u202e")


def test_nothing_that_exists_is_replaced_unless_asked_for(grown: Path, tmp_path: Path) -> None:
    (tmp_path / "jobs.csv").write_text("mine")
    done = look("data", tmp_path, "--archive", grown)
    assert (done.returncode, done.stdout) == (1, "")
    assert "--replace" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["jobs.csv"]
    assert (tmp_path / "jobs.csv").read_text() == "mine"
    written(grown, tmp_path, "--replace")
    assert len(pandas.read_csv(tmp_path / "jobs.csv")) == 17
    assert not list(tmp_path.glob(".*"))


def test_two_that_write_the_same_do_not_mix(tmp_path: Path) -> None:
    whole = tmp_path / "whole.csv"
    with placing(whole) as slow:
        slow.write_text("half")
        script = f"from dgm.durable import placing\nwith placing(__import__('pathlib').Path({str(whole)!r})) as p:\n"
        subprocess.run([sys.executable, "-c", script + "    p.write_text('all')"], check=True)
        assert whole.read_text() == "all"
        slow.write_text("half and half")
    assert [path.name for path in tmp_path.iterdir()] == ["whole.csv"]
    assert whole.read_text() == "half and half"


def test_a_full_disk_is_named_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(OSError) as caught, placing(tmp_path / "some.csv") as scratch:  # noqa: PT012
        scratch.write_text("half")
        raise OSError(errno.ENOSPC, "No space left on device")
    assert caught.value.filename == str(tmp_path / "some.csv")
    assert not list(tmp_path.iterdir())


def test_every_line_of_a_recorded_run_is_a_valid_conversation(recorded: Path, tmp_path: Path) -> None:
    found = lines(recorded, tmp_path / "all.jsonl")
    roles = {one["metadata"]["role"] for one in found}
    assert roles == {"solve", "improve", "diagnose"}
    run = dgm.open_run(recorded)
    for one in found:
        about = one["metadata"]
        chat = {"messages": one["messages"]} | ({"tools": one["tools"]} if one["tools"] else {})
        parse(json.dumps(chat).encode(), "scripted", 1)
        assert one["messages"][-1]["role"] == "assistant"
        assert about["model"] == "scripted"
        assert about["complete"]
        assert about["messages"] == len(one["messages"])
        called = {call["id"] for message in one["messages"] for call in message.get("tool_calls", ())}
        assert {m["tool_call_id"] for m in one["messages"] if m["role"] == "tool"} <= called
    calls = sum(one["metadata"]["usage"]["calls"] for one in found)
    assert calls == run.jobs["calls"].sum() == run.conversations()["calls"].sum()


def test_roles_and_outcomes_choose_what_leaves(talkative: Path, tmp_path: Path) -> None:
    found = lines(talkative, tmp_path / "all.jsonl")
    assert [(one["metadata"]["role"], one["metadata"]["outcome"], one["metadata"]["solved"]) for one in found] == [
        ("solve", "solved", True),
        ("solve", "unsolved", False),
        ("solve", "solved", True),
        ("diagnose", "born", None),
        ("improve", "born", None),
    ]
    solved = lines(talkative, tmp_path / "solved.jsonl", "--role", "solve", "--only", "solved")
    assert [one["messages"][0]["content"] for one in solved] == ["task 0", "graded later"]
    improved = lines(talkative, tmp_path / "improved.jsonl", "--role", "improve")
    assert [one["metadata"]["child"] for one in improved] == [dgm.open_run(talkative).agents.index[1]]


def test_what_was_ever_held_out_never_leaves(talkative: Path, tmp_path: Path) -> None:
    assert TASKS[2] in set(dgm.open_run(talkative).results["task"])
    for words in ((), ("--no-text",), ("--only", "unsolved")):
        found = lines(talkative, tmp_path / f"{len(words)}.jsonl", *words)
        assert found
        assert TASKS[2] not in {one["metadata"]["task"] for one in found}


def test_what_a_run_holds_out_does_not_leave_by_an_archive_inside_it(talkative: Path, tmp_path: Path) -> None:
    inside = tmp_path / "run/validations/one"
    shutil.copytree(talkative, inside)
    (tmp_path / "run" / LOG).write_bytes(whole([encode(RunConfigured(1e9, "0", {}, (), "v", held_out=TASKS[:1]))]))
    tasks = {one["metadata"]["task"] for one in lines(inside, tmp_path / "all.jsonl")}
    assert not {TASKS[0], TASKS[2]} & tasks
    assert TASKS[1] in tasks


def test_without_text_only_metadata_leaves(talkative: Path, tmp_path: Path) -> None:
    folder = written(talkative, tmp_path / "bare", "--no-text")
    found = [json.loads(line) for line in (folder / "trajectories.jsonl").read_text().splitlines()]
    assert [list(one) for one in found] == [["metadata"]] * 5
    assert "summary" not in pandas.read_csv(folder / "agents.csv")
    assert not {"reason", "flags"} & set(pandas.read_csv(folder / "jobs.csv"))
    assert "better" not in "".join(path.read_text() for path in folder.iterdir())


def test_keys_are_taken_out(talkative: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_API_KEY", KEY)
    monkeypatch.setenv("ODD_TOKEN", "messages")  # which is a name of a field, too
    done = look("data", tmp_path / "all.jsonl", "--archive", talkative)
    assert "taken out of 2 lines" in done.stderr
    assert KEY not in (tmp_path / "all.jsonl").read_text()
    found = [json.loads(line) for line in (tmp_path / "all.jsonl").read_text().splitlines()]
    assert found[0]["messages"][2]["content"] == "key [key]"


def test_it_says_that_a_model_that_was_trained_on_them_cannot_be_judged_by_them(
    talkative: Path, tmp_path: Path
) -> None:
    assert "2 tasks of starter" not in look("data", tmp_path / "a.jsonl", "--archive", talkative, "--no-text").stderr
    done = look("data", tmp_path / "b.jsonl", "--archive", talkative)
    assert "3 tasks of starter" in done.stderr
    assert "do not judge" in done.stderr


def test_an_unknown_table_is_refused(grown: Path, tmp_path: Path) -> None:
    done = look("data", tmp_path / "nonsense.csv", "--archive", grown)
    assert done.returncode == 1
    assert "agents, results, jobs, costs" in done.stderr
    assert "a file ends in" in look("data", tmp_path / "agents.xlsx", "--archive", grown).stderr
    assert not list(tmp_path.iterdir())
    assert "is a run" in look("data", grown, "--archive", grown).stderr


def test_runs_that_are_empty_missing_or_damaged(grown: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / LOG).touch()
    folder = written(tmp_path / "empty", tmp_path / "out")
    assert [len(pandas.read_csv(folder / f"{name}.csv")) for name in TABLES] == [0, 0, 0, 0]
    assert list(pandas.read_csv(folder / "costs.csv")) == list(COLUMNS["costs"])
    assert look("data", tmp_path / "x", "--archive", tmp_path / "nowhere").returncode == 1
    (tmp_path / "empty" / LOG).write_bytes((grown / LOG).read_bytes().replace(b"toy/1", b"toy/2", 1))
    assert look("data", tmp_path / "y", "--archive", tmp_path / "empty").returncode == 4
    assert not (tmp_path / "y").exists()
