"""The parts of the grader that stand in for a standard library which would take long to load."""

import json
import os
import sys
import sysconfig
from pathlib import Path

import pytest

from dgm.benchmarks.swebench_grader import packages, remove, start, written


@pytest.mark.parametrize("value", ["", 'a "q"\n\\\x00ü\U0001f600\udce9', 1, -2.5, True, ["x", ["y"]], {"a": {"b": []}}])
def test_json(value: object) -> None:
    assert json.loads(written({"it": value})) == {"it": value}


def test_a_command_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="cannot start /no/such"):
        start(["/no/such"], 1, True)


def test_where_packages_are() -> None:
    assert packages(sys.executable) == sysconfig.get_paths()["purelib"]


def test_an_interpreter_that_says_nothing_of_use(tmp_path: Path) -> None:
    mute = tmp_path / "python"
    mute.write_text("#!/bin/sh\nprintf /somewhere\n")
    mute.chmod(0o755)
    assert packages(str(mute)) == ""
    with pytest.raises(OSError, match="cannot start"):
        packages(str(tmp_path / "none"))


def test_removal_follows_no_link(tmp_path: Path) -> None:
    kept, gone = tmp_path / "kept", tmp_path / "gone"
    kept.mkdir()
    (kept / "file").touch()
    (gone / "inner").mkdir(parents=True)
    (gone / "inner" / "file").touch()
    os.symlink(kept, gone / "inner" / "link")
    remove(str(gone))
    remove(str(tmp_path / "none"))
    assert (list(tmp_path.iterdir()), (kept / "file").exists()) == ([kept], True)
