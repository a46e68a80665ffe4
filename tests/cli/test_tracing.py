"""`lineage` and `blame` as commands."""

import json
import re
import sys
from pathlib import Path

import msgspec
import pytest

from dgm import settings, trust
from dgm.archive import ARTIFACTS, LOG, Archive
from dgm.cli.blaming import Blame
from dgm.cli.signalling import SignalsReport
from dgm.cli.tracing import Descent
from dgm.cli.verifying import Verified
from dgm.events import AgentBorn, RunConfigured
from dgm.expand import Diagnosis
from dgm.files import File, Files
from dgm.jobs import Evaluate, Expand, Rewrite, Verdict
from dgm.settings import resolved
from dgm.store import save
from tests.cli.archives import HOSTILE, TASKS, chain, dgm, grow, look, on_terminal
from tests.imported import outputs
from tests.shells import SMOKED, shell
from tests.starter import starter

Grown = tuple[Path, list[str]]
WAYS: tuple[tuple[str, ...], ...] = (
    ("lineage", "best"),
    ("lineage",),
    ("blame", "best"),
    ("blame", "best", "--lines", "main.py"),
)


def data(*words: object) -> object:
    done = look(*words, "--json")
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    assert done.stdout.isascii()
    return json.loads(done.stdout)


def test_the_lineage_of_an_agent(grown: Grown) -> None:
    found = msgspec.convert(data("lineage", "best", "--archive", grown[0]), Descent)
    assert found.seed == grown[1][0]
    assert [step.agent for step in found.steps] == grown[1][1:]
    first, second = found.steps
    assert (first.study, second.study, second.study_solved) == (None, TASKS[0], True)
    assert first.files is not None
    assert [(file.path, file.added, file.removed, file.text) for file in first.files] == [
        ("blob.bin", 0, 0, False),
        ("main.py", 2, 2, True),
        ("start", 1, 1, True),
    ]
    assert first.bought.fixed == TASKS[:2]
    assert second.bought.kept == TASKS[:2]
    assert second.bought.fixed == TASKS[2:4]
    assert found.whole.fixed == TASKS[:4]
    assert found.whole.verdict == "undecided"
    told = look("lineage", "best", "--archive", grown[0]).stdout
    assert "undecided, as too few tasks" in told
    assert "improved" not in told
    assert "brief     not kept" in told


@pytest.mark.parametrize("words", WAYS)
def test_hostile_words_are_disarmed(grown: Grown, tmp_path: Path, words: tuple[str, ...]) -> None:
    folder = tmp_path / "run"
    grow(folder)
    for job in (1, 2):
        (folder / ARTIFACTS / str(job)).mkdir(exist_ok=True)
        save(
            folder / ARTIFACTS / str(job) / "diagnosis.json", Diagnosis(HOSTILE, HOSTILE * 90, HOSTILE, HOSTILE * 9000)
        )
    told = look(*words, "--archive", folder)
    assert told.returncode == 0
    assert all(c.isprintable() or c == "\n" for c in told.stdout)
    assert len(told.stdout) < 20_000
    data(*words, "--archive", folder)


@pytest.mark.parametrize("columns", [60, 80])
@pytest.mark.parametrize("words", [*WAYS, ("show", "best")])
def test_it_fits_the_terminal(grown: Grown, words: tuple[str, ...], columns: int) -> None:
    told = on_terminal([sys.executable, "-m", "dgm", *words, "--archive", str(grown[0])], columns)
    assert max(len(re.sub(r"\x1b\[[0-9;]*m", "", line)) for line in told.splitlines()) <= columns


def test_a_seed_and_a_run_without_results(tmp_path: Path) -> None:
    chain(tmp_path / "run", 1)
    assert "is a seed" in look("lineage", "seed", "--archive", tmp_path / "run").stdout
    assert "No agent has a child" in look("lineage", "--archive", tmp_path / "run").stdout
    assert "It has solved no task yet" in look("blame", "seed", "--archive", tmp_path / "run").stdout
    for words in (("lineage", "best"), ("lineage",), ("blame", "best")):
        done = look(*words, "--archive", tmp_path / "none")
        assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)


def test_a_lineage_without_sources_or_artifacts(tmp_path: Path) -> None:
    chain(tmp_path / "run", 3_000)
    done = look("lineage", f"{2_999:040x}", "--archive", tmp_path / "run")
    assert done.returncode == 0
    assert "2,969 steps" in done.stdout
    assert done.stdout.count("brief     not kept") == 30
    assert "Not all sources can be read" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert look("lineage", "--archive", tmp_path / "run").returncode == 0


def test_artifacts_that_are_damaged(tmp_path: Path) -> None:
    grow(tmp_path / "run")
    place = tmp_path / "run" / ARTIFACTS / "1"
    (place / "diagnosis.json").mkdir(parents=True)
    assert "not kept" in look("lineage", "best", "--archive", tmp_path / "run").stdout
    (place / "diagnosis.json").rmdir()
    (place / "diagnosis.json").write_bytes(b'{"brief": 7')
    assert "not kept" in look("lineage", "best", "--archive", tmp_path / "run").stdout


def test_signals(grown: Grown) -> None:
    found = msgspec.convert(data("lineage", "--archive", grown[0]), SignalsReport)
    assert (found.signals.edges.shared, found.signals.edges.fixed_wrong.count) == (8, 4)
    assert (found.signals.edges.kept_right.count, found.signals.edges.kept_right.total) == (2, 2)


def test_blame(grown: Grown) -> None:
    found = msgspec.convert(data("blame", "best", "--archive", grown[0]), Blame)
    assert [(claim.task, claim.steps) for claim in found.claims] == [
        (TASKS[0], (grown[1][1],)),
        (TASKS[1], (grown[1][1],)),
        (TASKS[2], (grown[1][2],)),
        (TASKS[3], (grown[1][2],)),
    ]
    told = look("blame", "best", "--step", grown[1][1], "--archive", grown[0]).stdout
    assert f"gained    {TASKS[0]}, {TASKS[1]}" in told
    assert TASKS[2] not in told


def test_blame_by_line(grown: Grown) -> None:
    found = data("blame", "best", "--lines", "main.py", "--archive", grown[0])
    assert isinstance(found, dict)
    assert [line["agent"] for line in found["lines"]] == [grown[1][2]] * 2
    for path, words in (("none", "has no file 'none'; it has blob.bin, main.py"), ("blob.bin", "is no text")):
        done = look("blame", "best", "--lines", path, "--archive", grown[0])
        assert done.returncode == 1
        assert words in done.stderr


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("seed", "--verify"), "is a seed"),
        (("best", "--verify", "--step", "seed"), "is a seed"),
        (("best", "--step", "seed"), "is a seed"),
        (("best", "--verify", "--step", "ffff"), "no agent is called"),
    ],
)
def test_what_cannot_be_blamed(grown: Grown, words: tuple[str, ...], why: str) -> None:
    done = look("blame", *words, "--archive", grown[0])
    assert done.returncode == 1
    assert why in done.stderr


@pytest.mark.parametrize(
    "words",
    [
        ("blame", "best", "--repeats", "2"),
        ("blame", "best", "--usd", "2"),
        ("blame", "best", "--lines", "start", "--verify"),
        ("lineage", "--all"),
    ],
)
def test_no_option_is_silently_ignored(grown: Grown, words: tuple[str, ...]) -> None:
    done = look(*words, "--archive", grown[0])
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)


def test_a_run_of_another_system_is_followed_but_not_tried_again(tmp_path: Path) -> None:
    outputs.dgm(tmp_path / "out")
    outputs.seed(tmp_path / "seed")
    archive = tmp_path / "run"
    assert look("import", tmp_path / "out", "--archive", archive, "--seed", tmp_path / "seed").returncode == 0
    found = msgspec.convert(data("lineage", "best", "--archive", archive), Descent)
    assert [len(step.bought.fixed) for step in found.steps] == [1, 1]
    assert all(claim.sure for claim in msgspec.convert(data("blame", "best", "--archive", archive), Blame).claims[1:])
    done = look("blame", "best", "--verify", "--archive", archive)
    assert done.returncode == 1
    assert "imported from another system" in done.stderr
    told = msgspec.convert(data("lineage", "--archive", archive), SignalsReport)
    assert [one.evaluations for one in told.signals.discrimination] == [16], "their order is unknown"


def able(*tasks: str, more: str = "") -> Files:
    """A shell agent that knows how to solve these tasks, each in a file of its own."""
    knowing: dict[str, File] = {}
    for task in tasks:
        script = [f"grep -q '{starter().task(task).statement.splitlines()[0]}' \"$DGM_STATEMENT\" || exit 0"]
        for path, file in starter().reference(task).changed.items():  # type: ignore[union-attr]
            script.append(f"cat > {path} <<'END_OF_IT'\n{file.text}END_OF_IT")
        knowing[f"know/{task.replace('/', '-')}"] = File("\n".join([*script, ""]).encode())
    run = f'{SMOKED}\nfor one in "$DGM_AGENT"/know/*; do [ -f "$one" ] && sh "$one"; done; exit 0\n{more}'
    return {**shell(run), **knowing}


def test_edits_are_taken_back_and_their_tasks_tried_again(tmp_path: Path) -> None:
    """Three edits: one that makes the agent solve a task, an idle one that was lucky, and one that was overwritten."""
    tasks = ("starter/slug", "starter/trie", "starter/duration")
    seed = able()
    sources = [
        seed,
        able(tasks[0]),
        {**able(tasks[0]), "idle": File(b"nothing\n")},
        {**able(tasks[0]), "idle": File(b"nothing\n"), "gone": File(b"one\n")},
        {**able(tasks[0]), "idle": File(b"nothing\n"), "gone": File(b"two\n"), "last": File(b"")},
    ]
    outcomes = [(0, 0, 0), (1, 0, 0), (1, 1, 0), (1, 1, 1), (1, 1, 1)]
    config = settings.load(None, {}, ["sandbox.kind=local", "run.slots=2"])
    folder = tmp_path / "run"
    trust.accept(resolved(config))
    with Archive(folder) as archive:
        archive.configure(RunConfigured(1e9, "0", resolved(config), tasks, starter().version))
        agents = [archive.seed(seed)]
        for files in sources[1:]:
            job = archive.start(Expand(agents[-1]))
            born = archive.finish(job.id, Rewrite(files, "an edit"))
            assert isinstance(born, AgentBorn)
            agents.append(born.agent)
        for agent, told in zip(agents, outcomes, strict=True):
            for task, solved in reversed(list(zip(tasks, told, strict=True))):
                archive.finish(archive.start(Evaluate(agent, task)).id, Verdict(bool(solved)))
    before = (folder / LOG).read_bytes()
    done = dgm("blame", agents[-1], "--verify", "--json", "--archive", folder)
    assert done.returncode == 0, done.stderr
    found = msgspec.json.decode(done.stdout, type=Verified)
    real, lucky, lost = found.trials
    assert [one.step for one in found.trials] == agents[1:4], "from the seed down"
    assert (real.with_only, real.pairs, real.finding) == (1, 1, "undecided")
    assert (lucky.neither, lucky.finding) == (1, "not confirmed")
    assert "later steps have changed the same in gone" in lost.problem
    assert (folder / LOG).read_bytes() == before
    again = dgm("blame", agents[-1], "--verify", "--step", agents[1], "--archive", folder)
    assert again.returncode == 0, again.stderr
    assert "with the edit 1 of 1 attempts solved, without it 0 of 1" in again.stdout


@pytest.mark.parametrize("columns", [60, 200])
def test_a_key_names_the_columns_that_are_shown_and_no_others(grown: Grown, columns: int) -> None:
    told = on_terminal([sys.executable, "-m", "dgm", "lineage", "--archive", str(grown[0])], columns)
    for column in ("shared", "strangers", "lines", "each", "needed"):
        assert (f"\n{column}: " in told) == (columns == 200)
    assert "\nkept right: " in told
