"""What changed in a folder, told by looking before and after."""

import os
from pathlib import Path

import pytest

from dgm.files import File, digest, write_folder
from dgm.runner import changes
from dgm.runner.changes import compare, is_git, is_litter, look, plain


def test_changes_are_told(tmp_path: Path) -> None:
    for name in ("same", "content", "mode", "gone", "turned"):
        (tmp_path / name).write_text("x")
    (tmp_path / "sub").mkdir()
    before = look(str(tmp_path))
    (tmp_path / "same").write_text("x")
    (tmp_path / "content").write_text("y")
    (tmp_path / "mode").chmod(0o755)
    (tmp_path / "gone").unlink()
    (tmp_path / "turned").unlink()
    (tmp_path / "turned").symlink_to("/etc")
    (tmp_path / "sub/new").write_text("z")
    (tmp_path / "sub/link").symlink_to("/etc", target_is_directory=True)
    assert compare(before, look(str(tmp_path))) == [
        ("changed", "content"),
        ("deleted", "gone"),
        ("changed", "mode"),
        ("added", "sub/link"),
        ("added", "sub/new"),
        ("changed", "turned"),
    ]


def test_special_files_are_no_trap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changes, "READ", 3)
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "long").write_text("longer")
    assert set(look(str(tmp_path))) == {"pipe", "long"}


def test_names() -> None:
    assert is_git(".git/config")
    assert is_git("sub/.GIT/hooks/x")
    assert not is_git(".gitignore")
    assert is_litter("a/__pycache__/x.pyc")
    assert not is_litter("a/cache.py")
    assert plain("a\x1b[2J\u202e\udcffb") == "a\\x1b[2J\\u202e\\udcffb"


def test_the_digest_is_that_of_git(tmp_path: Path) -> None:
    files = {
        "start": File(b"#!/bin/sh\n", executable=True),
        "a.b": File(b""),
        "a/x": File(b"1"),
        "a0": File(b"2"),
        "ä/ö": File(b"\0\xff"),
    }
    write_folder(files, tmp_path)
    (tmp_path / "empty").mkdir()
    assert changes.digest(str(tmp_path)) == digest(files)
