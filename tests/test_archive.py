"""The archive records what it was told, refuses what cannot be, and is read while it is written."""

import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

import dgm
from dgm.archive import Archive, NoArchive, Reader, read_tree
from dgm.check import check
from dgm.durable import ArchiveBusy
from dgm.events import AgentBorn, JobFailed, RunConfigured, TaskScored
from dgm.files import BadFiles, File, digest
from dgm.jobs import Evaluate, Expand, Failure, Rewrite, Usage, Verdict
from dgm.log import Damaged, LogDamaged, LogReader, LogWriter, sealed
from tests import small_run

SETTINGS = RunConfigured(at=1e9, version="0", config={"policy": {}}, tasks=("toy/one", "toy/two"), benchmark="b")
SEED = {"main.py": File(b"1", True), "lib/x.py": File(b"x\r\n")}
CHILD = {"main.py": File(b"2")}
ELSEWHERE = os.environ | {"PYTHONPATH": str(Path(dgm.__file__).parents[1])}


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    ticks = count(1_000_000_100)
    with Archive(tmp_path / "run", clock=lambda: float(next(ticks))) as archive:
        archive.configure(SETTINGS)
        yield archive


def test_a_run_is_recorded_and_read_again(archive: Archive) -> None:
    seed = archive.seed(SEED)
    assert archive.seed(dict(reversed(SEED.items()))) == seed
    scored = archive.finish(archive.start(Evaluate(seed, "toy/one")).id, Verdict(True, Usage(usd=0.5), ("slow",)))
    assert isinstance(scored, TaskScored)
    assert scored.flags == ("slow",)
    born = archive.finish(archive.start(Expand(seed, None)).id, Rewrite(CHILD, "Do\x1b[31m less", Usage(usd=1.0)))
    assert isinstance(born, AgentBorn)
    assert (born.parent, born.digest, born.summary) == (seed, digest(CHILD), "Do�[31m less")
    archive.finish(archive.start(Evaluate(born.agent, "toy/one")).id, Failure("lost", "gone \ud800"))
    archive.pause("the provider is away", 30.0)
    archive.end(0, "done")
    archive.mirror()
    again = read_tree(archive.path)
    assert list(again.agents) == list(archive.tree.agents) == [seed, born.agent]
    assert (again.length, again.spent, again.failures["lost"]) == (archive.tree.length, Usage(usd=1.5), 1)
    assert archive.source(seed) == Reader(archive.path).source(seed) == SEED
    assert archive.known() == {digest(SEED), digest(CHILD)}
    assert check(archive.path) == []


def test_reopening_goes_on_where_it_was(archive: Archive, tmp_path: Path) -> None:
    seed = archive.seed(SEED)
    job = archive.start(Evaluate(seed, "toy/one")).id
    archive.close()
    with Archive(archive.path) as again:
        assert again.seed(SEED) == seed
        assert list(again.tree.running) == [job]
        again.finish(job, Verdict(False))
        assert again.start(Expand(seed)).id == job + 1


def test_the_same_outcome_gives_the_same_commit(archive: Archive, tmp_path: Path) -> None:
    seed = archive.seed(SEED)
    job = archive.start(Expand(seed)).id
    log = (archive.path / "events.log").read_bytes()
    born = archive.finish(job, Rewrite(CHILD, "x"))
    assert isinstance(born, AgentBorn)
    archive.close()
    # As if the driver had been killed between the commit and its event.
    (archive.path / "events.log").write_bytes(log)
    orphan = next(finding for finding in check(archive.path) if "in no event" in finding.text)
    assert (orphan.level, born.agent in orphan.text) == ("note", True)
    with Archive(archive.path) as again:
        repeated = again.finish(job, Rewrite(CHILD, "x"))
        assert isinstance(repeated, AgentBorn)
        assert repeated.agent == born.agent


def test_what_cannot_be_is_refused_and_leaves_no_trace(archive: Archive) -> None:
    seed = archive.seed(SEED)
    evaluation, expansion = archive.start(Evaluate(seed, "toy/one")).id, archive.start(Expand(seed)).id
    before = (archive.path / "events.log").read_bytes()
    with pytest.raises(ValueError, match="not running"):
        archive.finish(99, Verdict(True))
    with pytest.raises(ValueError, match="no expansion"):
        archive.finish(evaluation, Rewrite(CHILD, "x"))
    with pytest.raises(ValueError, match="no evaluation"):
        archive.finish(expansion, Verdict(True))
    with pytest.raises(ValueError, match="twice"):
        archive.start(Evaluate(seed, "toy/one"))
    with pytest.raises(ValueError, match="not in the tree"):
        archive.start(Expand("0" * 40))
    with pytest.raises(ValueError, match="cannot be recorded"):
        archive.finish(evaluation, Verdict(True, Usage(usd=float("nan"))))
    with pytest.raises(BadFiles):
        archive.seed({"../up": File(b"")})
    assert (archive.path / "events.log").read_bytes() == before
    assert list(archive.tree.running) == [evaluation, expansion]
    assert {finding.level for finding in check(archive.path)} == {"note"}


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        (SEED, "its source is that of"),
        ({".git/config": File(b"")}, "names a git folder"),
        ({"a/../b": File(b"")}, "plain"),
    ],
)
def test_a_child_that_cannot_be_stored_or_is_known_is_stillborn(
    archive: Archive, source: dict[str, File], reason: str
) -> None:
    seed = archive.seed(SEED)
    ended = archive.finish(archive.start(Expand(seed)).id, Rewrite(source, "x", Usage(usd=2.0)))
    assert isinstance(ended, JobFailed)
    assert (ended.cause, ended.usage.usd) == ("stillborn", 2.0)
    assert reason in ended.reason
    assert list(archive.tree.agents) == [seed]


def test_a_seed_needs_a_run(tmp_path: Path) -> None:
    with Archive(tmp_path / "run") as archive, pytest.raises(ValueError, match="configured before"):
        archive.seed(SEED)


def test_a_reader_follows_a_run_that_is_written(archive: Archive) -> None:
    reader = Reader(archive.path)
    assert reader.refresh() == []
    seed = archive.seed(SEED)
    started = archive.start(Expand(seed))
    assert [type(event).__name__ for event in reader.refresh()] == ["AgentBorn", "JobStarted"]
    assert reader.tree.running == {started.id: started}
    assert reader.source(seed) == SEED
    assert reader.folder(started.id) == archive.folder(started.id)
    with pytest.raises(KeyError):
        reader.source("0" * 40)


def test_folders_are_closed_to_others(archive: Archive) -> None:
    job = archive.start(Expand(archive.seed(SEED))).id
    for folder in (archive.path, archive.folder(job), archive.folder(job).parent):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_second_driver_is_told_who_the_first_is(archive: Archive) -> None:
    script = "import sys; from pathlib import Path; from dgm.archive import Archive; Archive(Path(sys.argv[1]))"
    ran = subprocess.run(
        [sys.executable, "-c", script, str(archive.path)], capture_output=True, text=True, env=ELSEWHERE
    )
    assert f"ArchiveBusy: {archive.path} is being written by process {os.getpid()} on " in ran.stderr
    with pytest.raises(ArchiveBusy):
        Archive(archive.path)
    archive.seed(SEED)
    assert len(read_tree(archive.path).agents) == 1


def test_folders_that_are_no_runs_are_left_alone(tmp_path: Path) -> None:
    with pytest.raises(NoArchive, match="holds no run"):
        read_tree(tmp_path)
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(NoArchive, match="thesis"):
        Archive(tmp_path)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["thesis.tex"]


def test_a_lost_log_is_not_taken_for_a_new_run(archive: Archive) -> None:
    archive.close()
    (archive.path / "events.log").unlink()
    with pytest.raises(Damaged, match="has lost its"):
        Archive(archive.path)


def test_damage_is_named_when_the_archive_is_opened(archive: Archive) -> None:
    archive.seed(SEED)
    log = archive.path / "events.log"
    whole = log.read_bytes()
    log.write_bytes(whole.replace(b"toy/one", b"toy/own"))
    archive.close()
    for opened in (Archive, Reader):
        with pytest.raises(LogDamaged, match=r"line 1 \(byte 0\).*dgm check --repair --archive "):
            opened(archive.path)
    log.write_bytes(whole)
    Archive(archive.path).close()


def test_an_event_that_cannot_follow_is_damage(tmp_path: Path) -> None:
    (tmp_path / "events.log").touch()
    writer = LogWriter(LogReader(tmp_path / "events.log"))
    writer.append(sealed(SETTINGS))
    writer.append(sealed(TaskScored(at=1.0, job=7, solved=True)))
    writer.close()
    with pytest.raises(LogDamaged, match=r"line 2 .*job 7 is not running"):
        read_tree(tmp_path)


def test_a_source_that_was_changed_is_not_used(archive: Archive) -> None:
    seed = archive.seed(SEED)
    for blob in (archive.path / "agents.git" / "objects").glob("??/*"):
        blob.chmod(0o600)
        blob.write_bytes(blob.read_bytes()[:-9])
    with pytest.raises(Damaged):
        archive.source(seed)


def test_the_small_run_of_the_crash_tests_is_sound(tmp_path: Path) -> None:
    said: list[str] = []
    small_run.drive(tmp_path / "run", said.append)
    small_run.drive(tmp_path / "run", said.append)
    assert said.count(said[0]) == 2
    assert check(tmp_path / "run") == []
