"""The file of trials: what is there is used, what is torn is not, and what other code has left is never mixed in."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dgm.config import ConfigError
from dgm.durable import ArchiveBusy, locked
from dgm.simulation.grid import COLUMNS, FILE, Grid, gather, read
from dgm.simulation.sources import digest
from dgm.simulation.trial import play
from tests.cli.archives import environ

GRID = Grid(("hgm", "random"), ("hgm", "null", "random-2"), (0, 1), (30,), (1.0,), (1, 4), 12)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The file of a grid that was run to its end."""
    folder = tmp_path_factory.mktemp("grid")
    gather(GRID, folder, jobs=1)
    return (folder / FILE).read_bytes()


def test_rows_are_the_trials(whole: bytes, tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(whole)
    kept = read(tmp_path / FILE)
    assert list(kept) == list(GRID.trials())
    for trial, (ran, code) in list(kept.items())[::5]:
        assert ran == play(trial)
        assert code == digest(trial.policy, trial.family)
    assert gather(GRID, tmp_path) == gather(GRID, jobs=1)
    assert (tmp_path / FILE).read_bytes() == whole


def test_processes_give_what_one_gives(whole: bytes, tmp_path: Path) -> None:
    gather(GRID, tmp_path, jobs=2)
    assert sorted((tmp_path / FILE).read_bytes().splitlines()) == sorted(whole.splitlines())


@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_whatever_is_torn_off_is_run_again(
    data: st.DataObject, whole: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("torn")
    place = data.draw(st.integers(len(whole) - 2000, len(whole)))
    (folder / FILE).write_bytes(whole[:place] + data.draw(st.sampled_from([b"", b"\0\0\0", b"\xff,\n"])))
    gather(GRID, folder, jobs=1)
    assert sorted((folder / FILE).read_bytes().splitlines()) == sorted(whole.splitlines())


def test_a_larger_grid_takes_what_is_there_and_keeps_the_rest(whole: bytes, tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(whole)
    told: list[tuple[int, int]] = []
    other = Grid(("hgm",), ("null", "flat"), (0, 1), (30,), (1.0,), (1,), 12)
    rows = gather(other, tmp_path, 1, told=lambda done, run: told.append((done, run)))
    assert list(rows) == list(other.trials())
    assert told == [(2, 0), (3, 1), (4, 2)]
    assert (tmp_path / FILE).read_bytes().startswith(whole)


def test_rows_without_a_curve_are_run_again_where_one_is_wanted(tmp_path: Path) -> None:
    small = Grid(("hgm",), ("null",), (0,), (30,))
    assert next(iter(gather(small, tmp_path, 1, curves=False).values())).curve == ()
    told: list[tuple[int, int]] = []
    rows = gather(small, tmp_path, 1, told=lambda done, run: told.append((done, run)))
    assert told == [(0, 0), (1, 1)]
    assert next(iter(rows.values())).curve
    assert len((tmp_path / FILE).read_text().splitlines()) == 2
    assert next(iter(gather(small, tmp_path, 1, curves=False).values())).curve


def test_results_of_other_code_are_refused_unless_they_may_be_replaced(whole: bytes, tmp_path: Path) -> None:
    code = digest("random", "null").encode()
    (tmp_path / FILE).write_bytes(whole.replace(code, b"0123456789ab"))
    with pytest.raises(ConfigError, match=r"4 of 24 trials were run with other code, such as random in null.*--afresh"):
        gather(GRID, tmp_path, 1)
    without = Grid(("hgm",), GRID.families, GRID.seeds, (30,), (1.0,), (1, 4), 12)
    assert len(gather(without, tmp_path, 1)) == 12
    gather(GRID, tmp_path, 1, afresh=True)
    assert sorted((tmp_path / FILE).read_bytes().splitlines()) == sorted(whole.splitlines())


def test_other_columns_are_refused(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text("policy,seed\nhgm,1\n")
    with pytest.raises(ConfigError, match="other columns"):
        gather(GRID, tmp_path, 1)


def test_two_at_once_are_refused(tmp_path: Path) -> None:
    with locked(tmp_path / "lock"), pytest.raises(ArchiveBusy):
        gather(GRID, tmp_path, 1)


def test_a_trial_that_fails_names_itself() -> None:
    with pytest.raises(ConfigError) as raised:
        gather(Grid(("missing", "hgm"), ("null",), (0, 1), (30,)), jobs=2)
    assert "Trial(policy='missing', family='null', seed=" in raised.value.__notes__[0]


def test_digests_tell_code_from_words(tmp_path: Path) -> None:
    def told(text: str) -> str:
        (tmp_path / "own_policies").mkdir(exist_ok=True)
        (tmp_path / "own_policies" / "__init__.py").touch()
        (tmp_path / "own_policies" / "shared.py").write_text("X = 1\n" if "second" not in text else "X = 2\n")
        (tmp_path / "own_policies" / "mine.py").write_text(text)
        code = "from dgm.simulation.sources import digest; print(digest('own_policies.mine.Mine', 'hgm'))"
        path = os.pathsep.join([str(tmp_path), environ()["PYTHONPATH"]])
        done = subprocess.run(
            [sys.executable, "-B", "-c", code], env=environ(PYTHONPATH=path), capture_output=True, text=True, check=True
        )
        return done.stdout

    first = told("from .shared import X\nclass Mine:\n    'words'\n")
    assert told("from .shared import X  # a remark\nclass Mine:\n    'other words'\n\n") == first
    assert told("from .shared import X\nclass Mine:\n    'second'\n") != first  # what it imports has changed
    assert told("from .shared import X\nclass Mine:\n    a = 1\n") != first
    heir = "class Mine(HGM):\n    a = 1\n"
    assert told(f"from dgm.policies.hgm import HGM\n{heir}") != told(heir)
    assert digest("hgm", "null") != digest("hgm", "hgm")
    assert digest("hgm", "null") != digest("random", "null")
    assert digest("hgm:alpha=1", "null") == digest("hgm", "null")  # the row has the settings
    assert digest("hgm:alpha=1:stop=no-gain", "null") != digest("hgm", "null")  # but not the code that stops it


def test_killed_it_goes_on_to_exactly_the_grid(tmp_path: Path, whole: bytes) -> None:
    command = [
        *(sys.executable, "-m", "dgm", "simulate", "--policies", ",".join(GRID.policies)),
        *("--families", ",".join(GRID.families), "--seeds", "2", "--budget", "30", "--k", "1", "--slots", "1,4"),
        *("--tasks", "12", "--jobs", "2", "--out", str(tmp_path)),
    ]
    deadline = time.monotonic() + 60
    process = subprocess.Popen(
        command, env=environ(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    while process.poll() is None and lines(tmp_path / FILE) < 5 and time.monotonic() < deadline:
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.wait()
    while alive(process.pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not alive(process.pid), "a worker has outlived its parent"
    subprocess.run(command, env=environ(), capture_output=True, check=True, timeout=60)
    assert sorted((tmp_path / FILE).read_bytes().splitlines()) == sorted(whole.splitlines())
    assert (tmp_path / FILE).read_text().startswith(",".join(COLUMNS) + "\n")


def lines(path: Path) -> int:
    return path.read_bytes().count(b"\n") if path.exists() else 0


def alive(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True
