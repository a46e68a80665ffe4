"""Patches on values: as git applies them, or not at all."""

import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dgm.files import BadFiles, File, Files
from dgm.imported import patches
from dgm.imported.patches import BadPatch, apply

LINES = st.lists(st.sampled_from([b"a", b"b", b"", b"  x", b"-", b"+c", b"\\ No", b"@@ -1 +1 @@", b"d\r"]), max_size=12)
TEXTS = st.builds(lambda lines, end: b"\n".join(lines) + (b"\n" if end and lines else b""), LINES, st.booleans())
NAMES = st.sampled_from(["a.py", "b c.txt", "sub/d", "sub/e.sh", "ü.md", 'q"t', "tab\\x"])
TREES = st.dictionaries(NAMES.filter(lambda name: "\\" not in name), st.builds(File, TEXTS, st.booleans()), max_size=5)

OLD = b"one\ntwo\nthree\nfour\n"
PATCH = b"""diff --git a/f b/f
index 1..2 100644
--- a/f
+++ b/f
@@ -1,3 +1,3 @@
 one
-two
+TWO
 three
"""


def git(folder: Path, *words: str, **more: object) -> bytes:
    environ = {"PATH": "/usr/bin:/bin", "HOME": str(folder), "GIT_CONFIG_NOSYSTEM": "1"}
    done = subprocess.run(["git", "-C", str(folder), *words], check=True, capture_output=True, env=environ)
    return done.stdout


def lay(folder: Path, files: Files) -> None:
    for path in folder.iterdir():
        if path.name != ".git":
            git(folder, "rm", "-rqf", "--ignore-unmatch", path.name)
    for name, file in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file.data)
        path.chmod(0o755 if file.executable else 0o644)
    git(folder, "add", "--all", "--force")


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("repository")
    git(folder, "init", "-q")
    git(folder, "config", "user.name", "x")
    git(folder, "config", "user.email", "x@y")
    return folder


@given(before=TREES, after=TREES, context=st.sampled_from(["-U3", "-U0", "-U1"]), renames=st.booleans())
def test_what_git_says_has_changed_gives_what_it_was_changed_to(
    repository: Path, before: Files, after: Files, context: str, renames: bool
) -> None:
    lay(repository, before)
    old = git(repository, "write-tree").decode().strip()
    lay(repository, after)
    new = git(repository, "write-tree").decode().strip()
    patch = git(repository, "diff", context, "-M10%" if renames else "--no-renames", "--text", old, new)
    assert apply(before, patch).files == after


def test_a_hunk_may_be_off_where_that_is_clear() -> None:
    assert apply({"f": File(b"new\n" * 3 + OLD)}, PATCH).files["f"].data == b"new\n" * 3 + OLD.replace(b"two", b"TWO")
    with pytest.raises(BadPatch, match="hunk 1 does not fit"):
        apply({"f": File(b"new\n" + OLD + OLD)}, PATCH)


@pytest.mark.parametrize(
    ("patch", "why"),
    [
        (PATCH.replace(b" one", b" uno"), "does not fit"),
        (PATCH.replace(b"a/f", b"a/g").replace(b"b/f", b"b/g"), "'g' is not there"),
        (PATCH[:-9], "middle of a hunk|line"),
        (PATCH.replace(b"-1,3", b"-1,9"), "middle of a hunk"),
        (PATCH.replace(b"-1,3 +1,3", b"-1,2 +1,3"), "belongs to no file|as many lines"),
        (PATCH.replace(b"@@ -1", b"@@ -x"), "no head of a hunk"),
        (b"hello\n" + PATCH, "belongs to no file"),
        (PATCH.replace(b"index", b"strange"), "unknown"),
        (PATCH.replace(b"--- a/f", b"--- /etc/passwd"), "does not begin with"),
        (b"diff --git a/f b/f\nnew file mode 100644\n--- /dev/null\n+++ b/f\n@@ -0,0 +1 @@\n+x\n", "there already"),
        (
            b"diff --git a/f b/f\ndeleted file mode 100644\n--- a/f\n+++ /dev/null\n@@ -1,1 +0,0 @@\n-one\n",
            "holds more",
        ),
        (b"diff --git nonsense\n", "names no file"),
    ],
)
def test_what_does_not_fit_is_refused(patch: bytes, why: str) -> None:
    with pytest.raises(BadPatch, match=why):
        apply({"f": File(OLD)}, patch)


def added(path: str, mode: str = "100644") -> bytes:
    return f"diff --git a/x b/x\nnew file mode {mode}\n--- /dev/null\n+++ b/{path}\n@@ -0,0 +1 @@\n+x\n".encode()


@pytest.mark.parametrize("path", ["../up", "/etc/passwd", ".git/config", "a/../b", "sub/.GIT/x", "f/below"])
def test_unsafe_paths_are_refused(path: str) -> None:
    with pytest.raises(BadFiles):
        apply({"f": File(OLD)}, added(path))


def test_names_may_be_swapped() -> None:
    patch = b"diff --git a/f b/g\nrename from f\nrename to g\ndiff --git a/g b/f\nrename from g\nrename to f\n"
    assert apply({"f": File(b"1"), "g": File(b"2")}, patch).files == {"f": File(b"2"), "g": File(b"1")}


def test_what_has_no_place_is_skipped_and_named() -> None:
    binary = b"diff --git a/i.png b/i.png\nindex 1..2\nBinary files a/i.png and b/i.png differ\n"
    literal = b"diff --git a/j.bin b/j.bin\nindex 1..2\nGIT binary patch\nliteral 3\nzcmd\n\nliteral 0\nHc$\n\n"
    patch = (
        binary + added("link", "120000") + literal + added("__pycache__/x.pyc") + added("sub", "160000") + added("new")
    )
    done = apply({"f": File(OLD)}, patch)
    assert sorted(done.files) == ["f", "new"]
    assert [path for path, _ in done.skipped] == ["i.png", "link", "j.bin", "__pycache__/x.pyc", "sub"]


def test_modes_and_names() -> None:
    patch = b"diff --git a/f b/f\nold mode 100644\nnew mode 100755\n"
    patch += b'diff --git "a/\\303\\274" "b/\\303\\274"\nnew file mode 100755\n'
    done = apply({"f": File(OLD)}, patch).files
    assert done == {"f": File(OLD, True), "ü": File(b"", True)}


@given(st.binary(max_size=300))
def test_garbage_never_surprises(tail: bytes) -> None:
    for patch in (tail, b"diff --git " + tail, PATCH + tail, PATCH[:60] + tail):
        try:
            apply({"f": File(OLD)}, patch)
        except (BadPatch, BadFiles):
            continue


def test_a_large_patch_does_not_take_long() -> None:
    data = b"".join(b"%d\n" % n for n in range(20_000))
    hunks = b"".join(b"@@ -%d +%d @@\n-%d\n+x\n" % (n + 500, n + 500, n) for n in range(0, 19_000, 2))
    done = apply({"f": File(data)}, b"diff --git a/f b/f\n--- a/f\n+++ b/f\n" + hunks)
    assert done.files["f"].data.count(b"x\n") == 9_500
    assert patches.NEAR < 10_000
