import io
import subprocess
import tarfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dgm.files import (
    BadFiles,
    File,
    Files,
    FilesLimit,
    checked,
    digest,
    pack,
    patched,
    read_folder,
    unpack,
    without_litter,
    write_folder,
)

names = st.text("abcdeé-._ ", min_size=1, max_size=6).filter(lambda name: name.strip(". ") not in ("", "git"))
paths = st.lists(names, min_size=1, max_size=3).map("/".join)
contents = st.builds(File, st.binary(max_size=40), st.booleans())


@st.composite
def trees(draw: st.DrawFn) -> Files:
    files: dict[str, File] = {}
    for path, file in draw(st.dictionaries(paths, contents, max_size=8)).items():
        try:
            files = dict(checked({**files, path: file}))
        except BadFiles:
            continue
    return files


@given(trees())
def test_a_tar_gives_back_the_same_files(files: Files) -> None:
    assert unpack(pack(files)) == files


@settings(max_examples=15, deadline=None)
@given(trees())
def test_the_digest_is_that_of_gits_tree(files: Files) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        write_folder(files, Path(folder, "work"))

        def git(*words: str) -> str:
            where = ["--git-dir", f"{folder}/git", "--work-tree", f"{folder}/work", "-c", "core.autocrlf=false"]
            return subprocess.run(["git", *where, *words], check=True, capture_output=True, text=True).stdout.strip()

        git("init", "-q")
        git("add", "--all", "--force", f"{folder}/work")
        assert git("write-tree") == digest(files)


@given(trees())
def test_a_folder_gives_back_what_was_written(files: Files) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        write_folder(files, Path(folder, "work"))
        assert read_folder(Path(folder, "work")) == without_litter(files)


@pytest.mark.parametrize(
    "path",
    [
        *("/etc/passwd", "../x", "a/../x", "a//b", "", ".", "a/.", "a\\b", "a\nb", "a\0b", "x" * 256, "a/" * 600 + "b"),
        *(".git", "a/.git/config", ".GIT/x", "git~1/x", "a/.git\u200c/x", ".git ", ".git.", ".git::$INDEX"),
    ],
)
def test_an_unsafe_path_is_refused_by_name(path: str) -> None:
    with pytest.raises(BadFiles):
        checked({path: File(b"")})


def test_a_file_cannot_be_a_folder_as_well() -> None:
    with pytest.raises(BadFiles, match="both a file and a folder"):
        checked({"a": File(b""), "a/b": File(b"")})


def test_limits_hold() -> None:
    with pytest.raises(BadFiles, match="files are more than"):
        checked({str(n): File(b"") for n in range(3)}, FilesLimit(files=2))
    with pytest.raises(BadFiles, match="bytes are more than"):
        checked({"a": File(b"12345")}, FilesLimit(bytes=4))


def tar_of(*members: tarfile.TarInfo) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for member in members:
            tar.addfile(member, io.BytesIO(b"x" * member.size))
    return out.getvalue()


def member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "", size: int = 0) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.size = kind, link, size
    return info


@pytest.mark.parametrize(
    "data",
    [
        tar_of(member("l", tarfile.SYMTYPE, "/etc/passwd")),
        tar_of(member("l", tarfile.LNKTYPE, "a")),
        tar_of(member("f", tarfile.FIFOTYPE)),
        tar_of(member("d", tarfile.CHRTYPE)),
        tar_of(member("../up")),
        tar_of(member("/abs")),
        tar_of(member("big", size=9_000_000)),
        tar_of(member("a", size=10))[:300],
        b"no tar at all" * 100,
    ],
)
def test_a_hostile_tar_is_refused(data: bytes) -> None:
    with pytest.raises(BadFiles):
        unpack(data)


@given(st.binary(max_size=2000))
def test_any_bytes_are_files_or_refused(data: bytes) -> None:
    try:
        unpack(data)
    except BadFiles:
        return


def test_a_patch_replaces_and_removes() -> None:
    files = {"a": File(b"1"), "b": File(b"2")}
    assert patched(files, {"c": File(b"3"), "a": File(b"4")}, ["b"]) == {"a": File(b"4"), "c": File(b"3")}


def test_litter_is_left_out() -> None:
    kept = {"a.py": File(b""), "pycache": File(b"")}
    litter = {"a.pyc": File(b""), "x/__pycache__/y": File(b""), ".pytest_cache/v": File(b"")}
    assert without_litter({**kept, **litter}) == kept


def test_reading_a_folder_refuses_links(tmp_path: Path) -> None:
    (tmp_path / "l").symlink_to("/etc/passwd")
    with pytest.raises(BadFiles, match="not a regular file"):
        read_folder(tmp_path)


def test_writing_never_mixes_with_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("mine")
    with pytest.raises(FileExistsError):
        write_folder({"a": File(b"")}, tmp_path)
