"""What `archive/README.md` says of the format is true: its reader reads, and its copy is a run."""

import re
import subprocess
from pathlib import Path
from typing import Any

import msgspec
import pytest

import dgm
from dgm.archive import Archive, Reader, read_tree
from dgm.check import check
from dgm.events import AgentBorn, JobFailed, JobStarted, RunConfigured, RunEnded, RunPaused, TaskScored, encode
from dgm.log import LogReader
from tests import small_run

README = (Path(dgm.__file__).parents[1] / "archive" / "README.md").read_text()


@pytest.fixture
def run(tmp_path: Path) -> Path:
    small_run.drive(tmp_path / "my-run", lambda _: None)
    return tmp_path / "my-run"


def block(after: str, language: str = "") -> str:
    found = re.search(rf"{re.escape(after)}.*?```{language}\n(.*?)```", README, re.DOTALL)
    assert found
    return found[1]


def test_the_reader_on_the_page_reads_a_run(run: Path, tmp_path: Path) -> None:
    names: dict[str, Any] = {}
    exec(block("A reader in Python", "python"), names)
    ours = [msgspec.json.decode(encode(event)) for event in LogReader(run / "events.log").events()]
    assert list(names["events"](run / "events.log")) == ours
    with (run / "events.log").open("ab") as log:
        log.write(b"torn")
    assert list(names["events"](run / "events.log")) == ours
    (tmp_path / "log").write_text(block("The two lines"))
    assert [type(event).__name__ for event in LogReader(tmp_path / "log").events()] == ["RunPaused", "RunEnded"]


def test_the_page_names_every_event_and_every_field_of_it() -> None:
    for kind in (RunConfigured, JobStarted, AgentBorn, TaskScored, JobFailed, RunPaused, RunEnded):
        row = next(line for line in README.splitlines() if line.startswith(f"| `{kind.__struct_config__.tag}`"))
        assert set(re.findall(r"`(\w+)`", row.split("|")[2])) == set(kind.__struct_fields__) - {"at"}


def test_the_copy_on_the_page_is_a_run_that_goes_on(run: Path, tmp_path: Path) -> None:
    for line in block("Copying a run").splitlines():
        subprocess.run(line, shell=True, cwd=tmp_path, check=True, capture_output=True)
    copy = tmp_path / "copy"
    assert check(copy) == []
    agents = list(read_tree(run).agents)
    assert [Reader(copy).source(agent) for agent in agents] == [Reader(run).source(agent) for agent in agents]
    with Archive(copy) as archive:
        archive.end(0, "again")
        archive.mirror()
    assert check(copy) == []


def test_the_git_commands_on_the_page_show_lineage_and_tallies(run: Path) -> None:
    log = block("written from the log now and then").splitlines()[0].split("#")[0]
    shown = subprocess.run(log, shell=True, cwd=run, check=True, capture_output=True, text=True).stdout
    assert shown.count("solved: 2 of 2") == 2
    assert shown.count("Job: ") == 2
    assert "Tallies" not in shown
