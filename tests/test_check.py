"""Damage is named; repair keeps what proves itself, says what is lost, and the run goes on to its right end."""

import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import structs

from dgm import salvage
from dgm.archive import Archive, NoArchive, read_tree
from dgm.check import Finding, check, repair
from dgm.durable import ArchiveBusy
from dgm.events import AgentBorn, AnyEvent
from dgm.log import Damaged, LogReader
from tests import small_run


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("whole") / "run"
    small_run.drive(path, lambda _: None)
    return path


@pytest.fixture
def run(whole: Path, tmp_path: Path) -> Iterator[Path]:
    with small_run.memory(tmp_path) as folder:
        yield Path(shutil.copytree(whole, folder / "run"))


def levels(findings: list[Finding]) -> set[str]:
    return {finding.level for finding in findings}


def texts(findings: list[Finding]) -> str:
    return "\n".join(finding.text for finding in findings)


def events(run: Path) -> list[AnyEvent]:
    return list(LogReader(run / "events.log").events())


def edit(run: Path, change: Callable[[list[bytes]], list[bytes]]) -> list[bytes]:
    log = run / "events.log"
    before = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(b"".join(change(list(before))))
    return before


def test_a_sound_run_gives_no_findings(run: Path) -> None:
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    assert check(run) == []
    assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == before
    assert repair(run) == []
    with pytest.raises(NoArchive):
        check(run / "artifacts")
    with pytest.raises(NoArchive):
        repair(run / "artifacts")


def test_a_flipped_byte_costs_one_line(run: Path) -> None:
    was = events(run)
    # Line 14 says how job 6 ended.
    before = edit(run, lambda lines: [*lines[:13], lines[13].replace(b"true", b"false"), *lines[14:]])
    offset = sum(map(len, before[:13]))
    assert levels(check(run)) == {"damage"}
    assert f"events.log line 14 (byte {offset}): its checksum does not match" in texts(check(run))
    found = repair(run)
    assert levels(found) == {"mended", "lost", "note"}
    assert f"events.log.damaged-1 line 14 (byte {offset})" in texts(found)
    assert "done again by the next `dgm run`: 6" in texts(found)
    assert events(run) == was[:13] + was[14:]
    assert check(run) == []
    assert (run / "events.log.damaged-1").read_bytes().count(b"false") == 3
    small_run.drive(run, lambda _: None)
    assert [agent.evaluations for agent in read_tree(run).agents.values()] == [2, 2, 2]


def test_a_damaged_checksum_costs_nothing(run: Path) -> None:
    was = events(run)
    edit(run, lambda lines: [*lines[:5], b"00000000" + lines[5][8:], *lines[6:]])
    assert levels(check(run)) == {"damage"}
    assert levels(repair(run)) == {"mended"}
    assert events(run) == was
    assert check(run) == []


def test_a_lost_birth_is_known_from_the_commit(run: Path) -> None:
    was = events(run)
    # Line 8 is the birth of the second agent, on which all later lines stand.
    edit(run, lambda lines: [*lines[:7], b"garbage\n", *lines[8:]])
    found = repair(run)
    agent = list(read_tree(run).agents.values())[1]
    assert f"the birth of {agent.id} is known from its commit" in texts(found)
    assert check(run) == []
    # Without the checksum in line 8, nothing proves line 9.
    born, *others = [event for event in events(run) if event not in was]
    assert isinstance(born, AgentBorn)
    assert others == []
    lost = was[7]
    assert isinstance(lost, AgentBorn)
    assert structs.replace(born, at=lost.at, usage=lost.usage) == lost
    small_run.drive(run, lambda _: None)
    assert [agent.evaluations for agent in read_tree(run).agents.values()] == [2, 2, 2]


@pytest.mark.parametrize("line", range(1, 21))
def test_no_single_line_costs_more_than_its_jobs(whole: Path, run: Path, line: int) -> None:
    edit(run, lambda lines: [*lines[:line], b"garbage\n", *lines[line + 1 :]])
    agents = list(read_tree(whole).agents)
    found = repair(run)
    tree = read_tree(run)
    assert list(tree.agents) == agents
    assert tree.evaluations >= 4
    assert levels(found) <= {"mended", "lost", "note"}
    assert levels(check(run)) <= {"note"}
    small_run.drive(run, lambda _: None)
    assert [agent.evaluations for agent in read_tree(run).agents.values()] == [2, 2, 2]


def test_a_lost_start_of_an_expansion_is_known_from_the_birth(run: Path) -> None:
    # Line 7 starts the job of which the second agent was born.
    edit(run, lambda lines: [*lines[:6], lines[6].replace(b"expand", b"extend"), *lines[7:]])
    found = repair(run)
    assert "that job 3 expanded" in texts(found)
    assert levels(found) == {"mended", "lost"}
    assert "cannot stand" not in texts(found)


def test_events_that_lost_their_ground_go_too(run: Path) -> None:
    # Line 13 starts job 6, an evaluation, of which nothing else says what it was.
    edit(run, lambda lines: [*lines[:12], lines[12].replace(b"two", b"too"), *lines[13:]])
    found = repair(run)
    assert "line 13 (byte" in texts(found)
    assert "it cannot stand without what is lost: job 6 is not running" in texts(found)
    assert read_tree(run).evaluations == 5


@pytest.mark.parametrize("change", ["remove", "swap", "repeat", "join"])
def test_lines_that_moved_cost_no_more_than_their_neighbours(run: Path, change: str) -> None:
    was = events(run)

    def moved(lines: list[bytes]) -> list[bytes]:
        match change:
            case "remove":
                del lines[17]
            case "swap":
                lines[17], lines[18] = lines[18], lines[17]
            case "repeat":
                lines.insert(17, lines[16])
            case _:
                lines[17] = lines[17][:-1] + b" "
        return lines

    edit(run, moved)
    assert "damage" in levels(check(run))
    repair(run)
    assert levels(check(run)) <= {"note"}
    kept = events(run)
    assert kept[:17] == was[:17]
    assert kept[-1] == was[-1]
    assert all(event in was for event in kept)
    small_run.drive(run, lambda _: None)
    assert read_tree(run).evaluations == 6


@given(st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
def test_nothing_is_invented_and_little_is_lost(whole: Path, tmp_path: Path, data: st.DataObject) -> None:
    log = tmp_path / "events.log"
    content = bytearray((whole / "events.log").read_bytes())
    hits = data.draw(st.lists(st.integers(0, len(content) - 1), min_size=1, max_size=3))
    for at in hits:
        content[at] = data.draw(st.integers(0, 255))
    log.write_bytes(content)
    was = events(whole)
    proven = [line.event for line in salvage.lines(log) if line.event]
    assert [event for event in was if event in proven] == proven
    # A hit costs its line; in a checksum or at an end of line, its neighbours too.
    assert len(proven) >= len(was) - 3 * len(set(hits)) - 1


def test_lost_settings_are_said_to_be_lost(run: Path) -> None:
    edit(run, lambda lines: [b"garbage\n", *lines[1:]])
    found = repair(run)
    assert "the settings and tasks of the run" in texts(found)
    assert len(read_tree(run).agents) == 3
    assert check(run) == []


def test_a_second_repair_keeps_the_first_copy(run: Path) -> None:
    for n in (1, 2):
        edit(run, lambda lines: [*lines[:9], b"garbage\n", *lines[10:]])
        repair(run)
        assert (run / f"events.log.damaged-{n}").is_file()


def test_a_torn_tail_is_a_note_and_is_cut(run: Path) -> None:
    with (run / "events.log").open("ab") as log:
        log.write(b"0000")
    assert texts(check(run)).startswith("the last 4 bytes of events.log")
    assert levels(check(run)) == {"note"}
    assert "torn last line of 4 bytes" in texts(repair(run))
    assert check(run) == []


def test_branches_notes_and_locks_are_made_good(run: Path) -> None:
    git = run / "agents.git"
    agents = list(read_tree(run).agents)
    (git / "refs/heads/agents" / agents[1]).unlink()
    (git / "refs/heads/agents" / agents[2]).write_text(agents[0] + "\n")
    (git / "refs/heads/agents" / f"{agents[0]}.lock").touch()
    (git / "refs/heads/best").unlink()
    (git / "refs/notes/dgm").unlink()
    (git / "HEAD").unlink()
    found = check(run)
    assert texts(found).count("no branch of its own") == 2
    assert "is no git repository" in texts(found)
    assert "the notes of 3 agents" in texts(found)
    assert "the branch `best`" in texts(found)
    assert levels(repair(run)) == {"mended"}
    assert check(run) == []
    subprocess.run(["git", "fsck", "--strict"], cwd=git, check=True, capture_output=True)


def test_damaged_notes_are_written_again(run: Path) -> None:
    git = run / "agents.git"
    note = subprocess.run(["git", "ls-tree", "-r", "refs/notes/dgm"], cwd=git, capture_output=True, text=True).stdout
    blob = note.split()[2]
    path = git / "objects" / blob[:2] / blob[2:]
    path.chmod(0o600)
    path.write_bytes(b"")
    assert "the notes" in texts(check(run))
    assert repair(run) == []
    assert check(run) == []


def test_an_agent_that_is_gone_stays_damage_and_is_named(run: Path) -> None:
    agent = next(iter(read_tree(run).agents))
    (run / "agents.git" / "objects" / agent[:2] / agent[2:]).unlink()
    for found in (check(run), repair(run), check(run)):
        assert f"agent {agent}: {run / 'agents.git'} has no commit {agent}" in texts(
            [finding for finding in found if finding.level == "damage"]
        )


def test_artifacts_of_no_job_are_noted(run: Path) -> None:
    (run / "artifacts" / "999").mkdir()
    assert check(run) == [Finding("note", "artifacts/999 belongs to no job")]


def test_only_one_repairs(run: Path) -> None:
    with Archive(run), pytest.raises(ArchiveBusy):
        repair(run)


def test_checking_goes_on_while_the_run_does(run: Path) -> None:
    with Archive(run) as archive:
        seed = next(iter(archive.tree.agents))
        archive.end(0, "again")
        assert check(run) == []
        assert archive.source(seed)


def test_a_log_of_another_run_is_damage(run: Path, tmp_path: Path) -> None:
    log = run / "events.log"
    log.write_bytes(log.read_bytes()[200:])
    with pytest.raises(Damaged):
        read_tree(run)
    assert levels(check(run)) == {"damage"}
