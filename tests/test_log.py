"""The log gives back what was recorded, or says where it does not."""

import os
import subprocess
import sys
from pathlib import Path
from zlib import crc32

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dgm import log
from dgm.events import AgentBorn, AnyEvent, JobFailed, JobStarted, RunConfigured, RunEnded, RunPaused, TaskScored
from dgm.jobs import Evaluate, Expand, Usage
from dgm.log import LogDamaged, LogReader, LogWriter

text = st.text(max_size=20)
times = st.floats(0, 2e9, allow_nan=False)
jobs = st.integers(1, 2**40)
usage = st.builds(Usage, usd=st.floats(0, 1e6), calls=jobs, tokens_in=jobs, tokens_out=jobs, seconds=st.floats(0, 1e6))
events: st.SearchStrategy[AnyEvent] = st.one_of(
    st.builds(
        RunConfigured,
        at=times,
        version=text,
        config=st.dictionaries(text, text),
        tasks=st.tuples(text, text),
        benchmark=text,
    ),
    st.builds(
        JobStarted,
        at=times,
        id=jobs,
        job=st.builds(Evaluate, agent=text, task=text) | st.builds(Expand, agent=text, study=st.none() | text),
    ),
    st.builds(AgentBorn, at=times, agent=text, digest=text, parent=st.none() | text, summary=text, usage=usage),
    st.builds(TaskScored, at=times, job=jobs, solved=st.booleans(), usage=usage, flags=st.tuples(text)),
    st.builds(JobFailed, at=times, job=jobs, cause=st.just("lost"), reason=text),
    st.builds(RunPaused, at=times, reason=text, seconds=times),
    st.builds(RunEnded, at=times, code=st.integers(0, 255), reason=text),
)
tmp_is_reused = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)


def write(path: Path, happened: list[AnyEvent]) -> None:
    path.write_bytes(b"")
    writer = LogWriter(LogReader(path))
    for event in happened:
        writer.append(log.sealed(event))
    writer.close()


def read(path: Path) -> list[AnyEvent]:
    return list(LogReader(path).events())


def scores(n: int) -> list[AnyEvent]:
    return [TaskScored(at=float(i), job=i, solved=i % 2 == 0) for i in range(1, n + 1)]


@given(st.lists(events, max_size=8))
@tmp_is_reused
def test_what_was_written_is_read(tmp_path: Path, happened: list[AnyEvent]) -> None:
    write(tmp_path / "log", happened)
    assert read(tmp_path / "log") == happened


@given(st.lists(events, min_size=1, max_size=6), st.data())
@tmp_is_reused
def test_any_prefix_reopens_with_exactly_its_whole_lines(
    tmp_path: Path, happened: list[AnyEvent], data: st.DataObject
) -> None:
    path = tmp_path / "log"
    write(path, happened)
    cut = path.read_bytes()[: data.draw(st.integers(0, path.stat().st_size))]
    path.write_bytes(cut)
    whole = cut.count(b"\n")
    assert read(path) == happened[:whole]
    reader = LogReader(path)
    list(reader.events())
    writer = LogWriter(reader)
    assert writer.torn == len(cut) - cut.rfind(b"\n") - 1
    writer.append(log.sealed(happened[0]))
    writer.close()
    assert read(path) == [*happened[:whole], happened[0]]


@given(st.lists(events, min_size=1, max_size=6), st.data())
@tmp_is_reused
def test_any_changed_byte_is_found_or_in_the_torn_tail(
    tmp_path: Path, happened: list[AnyEvent], data: st.DataObject
) -> None:
    path = tmp_path / "log"
    write(path, happened)
    content = bytearray(path.read_bytes())
    at = data.draw(st.integers(0, len(content) - 1))
    content[at] ^= data.draw(st.integers(1, 255))
    line = content[:at].count(b"\n") + 1
    path.write_bytes(content)
    reader = LogReader(path)
    survivors, damage = [], None
    try:
        survivors.extend(reader.events())
    except LogDamaged as error:
        damage = error
    assert reader.line == line - 1
    if damage:
        assert f"line {line} (byte {reader.offset})" in str(damage)
    else:
        assert line == len(happened)
        assert survivors == happened[:-1]


def test_a_line_is_no_torn_one_since_its_end_was_changed(tmp_path: Path) -> None:
    path = tmp_path / "log"
    write(path, scores(3))
    content = bytearray(path.read_bytes())
    end = content[: content.rindex(b"\n")].rindex(b"\n")
    content[end] ^= 1
    path.write_bytes(content)
    with pytest.raises(LogDamaged, match=r"line 2 "):
        read(path)


@pytest.mark.parametrize("tail", [b"%08x", b"%08x ", b"%08x\n"])
def test_a_checksum_without_an_event_is_none(tmp_path: Path, tail: bytes) -> None:
    """Of nothing after the last line, the checksum is the last line's."""
    path = tmp_path / "log"
    write(path, scores(2))
    whole = path.read_bytes()
    path.write_bytes(whole + tail % int(whole.splitlines()[-1][:8], 16))
    assert read(path) == scores(2)


@pytest.mark.parametrize("change", ["remove", "swap", "repeat"])
def test_lines_moved_about_are_found(tmp_path: Path, change: str) -> None:
    path = tmp_path / "log"
    write(path, scores(5))
    lines = path.read_bytes().splitlines(keepends=True)
    match change:
        case "remove":
            del lines[2]
        case "swap":
            lines[2], lines[3] = lines[3], lines[2]
        case _:
            lines.insert(2, lines[1])
    path.write_bytes(b"".join(lines))
    with pytest.raises(LogDamaged) as damage:
        read(path)
    assert damage.value.line == 3


def test_a_line_that_is_sealed_but_no_event_is_damage_even_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "log"
    strange = b'{"event":"from_the_future","at":1}'
    path.write_bytes(b"%08x %b\n" % (crc32(strange), strange))
    with pytest.raises(LogDamaged, match="no event of this version"):
        read(path)


def test_a_watcher_gets_each_event_once_while_the_log_grows(tmp_path: Path) -> None:
    path = tmp_path / "log"
    write(path, [])
    writer, watcher = LogWriter(LogReader(path)), LogReader(path)
    seen: list[AnyEvent] = []
    for event in scores(4):
        writer.append(log.sealed(event))
        with path.open("ab") as torn:
            torn.write(b"0123")
        seen += watcher.events()
        os.truncate(path, path.stat().st_size - 4)
        assert list(watcher.events()) == []
    writer.close()
    assert seen == scores(4)
    os.truncate(path, 10)
    with pytest.raises(LogDamaged, match="ends before"):
        list(watcher.events())


def test_what_could_not_be_read_back_is_not_recorded() -> None:
    with pytest.raises(ValueError, match="cannot be recorded"):
        log.sealed(TaskScored(at=1.0, job=1, solved=True, usage=Usage(usd=float("nan"))))


FULL = """
import resource, signal, sys
from pathlib import Path
from dgm import log
from dgm.durable import NotWritten
from dgm.events import TaskScored
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
writer = log.LogWriter(log.LogReader(Path(sys.argv[1])))
for job in range(1, 100):
    try:
        writer.append(log.sealed(TaskScored(at=1.0, job=job, solved=True)))
    except NotWritten as error:
        print(job - 1, error)
        break
try:
    writer.append(b"{}")
except NotWritten as error:
    print(error)
"""


def test_a_refused_write_leaves_nothing_torn(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"")
    ran = subprocess.run([sys.executable, "-c", FULL, str(path)], capture_output=True, text=True, check=True)
    first, again = ran.stdout.splitlines()
    assert "File too large" in first
    assert "the same command" in first
    assert "earlier record was refused" in again
    done = int(first.split()[0])
    assert done > 5
    assert path.read_bytes().count(b"\n") == len(read(path)) == done
    assert path.read_bytes().endswith(b"\n")
