"""`dgm simulate` as its users meet it."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from dgm.policies import POLICIES
from dgm.simulation.families import NAMED
from tests.cli.archives import dgm, environ, look

SMALL = ("--policies", "hgm,random", "--families", "null,hgm", "--seeds", "2", "--budget", "30", "--jobs", "1")


def test_the_list_names_all_and_loads_nothing_heavy() -> None:
    code = (
        "import sys; from dgm.cli.simulating import show_list; show_list(False)\n"
        "heavy = {'numpy', 'scipy', 'matplotlib', 'dulwich', 'docker', 'litellm', 'rich'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], env=environ(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for name in (*POLICIES, *(family.name for family in NAMED)):
        assert f"  {name} " in done.stdout
    listed = json.loads(look("simulate", "--list", "--json").stdout)
    assert set(listed["policies"]) == set(POLICIES)
    assert all(listed["policies"].values())
    assert all(listed["families"].values())


def test_tables_on_standard_output_and_nothing_written(tmp_path: Path) -> None:
    done = look("simulate", *SMALL)
    assert done.returncode == 0, done.stderr
    assert "Difference to hgm, B 30, k 5, 1 slot" in done.stdout
    assert "8 trials" in done.stderr
    assert not list(tmp_path.iterdir())


def test_a_folder_keeps_trials_and_tables_and_is_used_again(tmp_path: Path) -> None:
    first = look("simulate", *SMALL, "--out", tmp_path / "new", "--json")
    again = look("simulate", *SMALL, "--out", tmp_path / "new", "--json")
    assert first.returncode == again.returncode == 0, first.stderr
    assert "8 of them done before" in again.stderr
    assert first.stdout == again.stdout
    found = json.loads(first.stdout, parse_constant=pytest.fail)
    assert {cell["policy"] for cell in found["cells"]} == {"hgm", "random"}
    assert {path.name for path in (tmp_path / "new").iterdir()} == {"trials.csv", "cells.csv", "tables.md", "lock"}
    assert (tmp_path / "new" / "tables.md").read_text().startswith("### ")


def test_the_reference_always_takes_part() -> None:
    done = look("simulate", "--policies", "random", *SMALL[2:], "--json")
    assert {cell["policy"] for cell in json.loads(done.stdout)["cells"]} == {"hgm", "random"}


def test_what_is_no_number_is_null() -> None:
    done = look("simulate", *SMALL, "--seeds", "1", "--no-curves", "--json")
    cell = json.loads(done.stdout, parse_constant=pytest.fail)["cells"][0]
    assert (cell["reached"], cell["difference"]["half"]) == (None, None)


def test_figures(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    done = look("simulate", *SMALL, "--seeds", "3", "--out", tmp_path, "--figures")
    assert done.returncode == 0, done.stderr
    pictures = {path.name: path.read_bytes() for path in tmp_path.glob("*.png")}
    assert set(pictures) == {f"{kind}-B30-k5-W1.png" for kind in ("curves", "differences", "calibration")}
    assert all(data.startswith(b"\x89PNG") and len(data) > 10_000 for data in pictures.values())


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--policies", "hmg"), "--policies hmg: no such policy; did you mean `hgm`?"),
        (("--policies", ""), "--policies is empty"),
        (("--policies", "no.such.Policy"), "neither one of"),
        (("--policies", "hgm:alpha=x"), "policy 'hgm:alpha=x'"),
        (("--against", "best"), "--policies best: no such policy"),
        (("--families", "ruged"), "--families ruged: no such family; did you mean `rugged`?"),
        (("--families", "random-5..1"), "--families random-5..1: has to be a whole number, or a span"),
        (("--families", "random-"), "--families random-: has to be"),
        (("--seeds", "0"), "--seeds 0: has to be a number of seeds"),
        (("--seeds", "5..x"), "--seeds 5..x: has to be"),
        (("--budget", "0"), "--budget 0: has to be whole numbers from 1 up"),
        (("--budget", "800,1e3"), "--budget 1e3"),
        (("--k", "-1"), "--k -1: has to be numbers from 0 up"),
        (("--k", "nan"), "--k nan"),
        (("--slots", "two"), "--slots two"),
        (("--tasks", "0"), "--tasks 0: has to be 1 or more"),
        (("--figures",), "--figures needs a folder"),
    ],
)
def test_what_cannot_be_meant_is_one_line(words: tuple[str, ...], said: str) -> None:
    done = look("simulate", *SMALL, *words)
    assert done.returncode == 2
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert done.stdout == ""


def test_results_of_other_code_are_one_line_too(tmp_path: Path) -> None:
    look("simulate", *SMALL, "--out", tmp_path)
    path = tmp_path / "trials.csv"

    path.write_text("policy,other\n")
    done = look("simulate", *SMALL, "--out", tmp_path)
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert "other columns" in done.stderr


def test_ctrl_c_keeps_what_is_done(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "dgm", "simulate", *SMALL, "--seeds", "100000", "--jobs", "2", "--out", tmp_path]
    process = subprocess.Popen([*map(str, command)], env=environ(), stderr=subprocess.PIPE, text=True)
    path, deadline = tmp_path / "trials.csv", time.monotonic() + 60
    while process.poll() is None and time.monotonic() < deadline:
        if path.exists() and path.read_bytes().count(b"\n") > 4:
            break
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "interrupted" in told
    assert "Traceback" not in told
    assert path.read_bytes().endswith(b"\n")
    done = dgm("simulate", *SMALL, "--out", tmp_path)
    assert done.returncode == 0
    assert "of them done before" in done.stderr
