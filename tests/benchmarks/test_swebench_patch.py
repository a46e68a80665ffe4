"""What of a patch may enter the grading of a SWE-bench task."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dgm.benchmarks.swebench_exam import shown
from dgm.benchmarks.swebench_patch import filtered, read_ini, read_toml, steered_back
from dgm.files import BadFiles, File
from dgm.protocols import Patch


def patch(*paths: str) -> Patch:
    return Patch({path: File(b"x\n") for path in paths})


@pytest.mark.parametrize(
    "path",
    [
        *("conftest.py", "a/conftest.py", "pytest.ini", ".pytest.ini", "pytest.toml", "tox.ini", "tests/data.json"),
        *("a/tests/b/c.py", "test_a.py", "a/b_test.py", "sitecustomize.py", "usercustomize/__init__.py", "a/b.pth"),
        *("src/sitecustomize.pyx", "a.spec.ts", "src/__tests__/a.js", "bin/test", "own/path.py"),
    ],
)
def test_what_steers_tests_does_not_enter(path: str) -> None:
    found = filtered(patch(path, "a/b.py"), ["own/path.py"])
    assert list(found.changed) == ["a/b.py"]
    assert found.flags == (f"touched:{path}",)
    assert filtered(Patch(deleted=(path,)), ["own/path.py"]).deleted == ()


def test_what_does_not_steer_tests_enters() -> None:
    paths = ("a/b.py", "contest.py", "src/latest.py", "docs/testing.rst", "setup.py")
    found = filtered(Patch({path: File(b"x") for path in paths}, ("a/gone.py",)), [])
    assert set(found.changed) == set(paths)
    assert found.deleted == ("a/gone.py",)
    assert found.flags == ("runs-at-install:setup.py",)


@pytest.mark.parametrize("path", ["../a", "/a", ".git/config", "a/.GIT/b", "a//b"])
def test_paths_that_are_none(path: str) -> None:
    with pytest.raises(BadFiles):
        filtered(patch(path), [])
    with pytest.raises(BadFiles):
        filtered(Patch(deleted=(path,)), [])


INI = "[metadata]\nname = a\n\n[tool:pytest]\naddopts = -ra\n\n[flake8]\nmax = 3\n"
TOML = '[project]\nname = "a"\n\n[tool.pytest.ini_options]\naddopts = "-ra"\n\n[tool.black]\nline = 3\n'


@pytest.mark.parametrize(
    ("path", "old", "new", "wanted"),
    [
        ("setup.cfg", INI, INI.replace("max = 3", "max = 4"), "same"),
        ("setup.cfg", INI, INI.replace("-ra", "-k x"), "back"),
        ("setup.cfg", INI, "[flake8]\nmax = 3\n", "back"),
        ("setup.cfg", None, "[tool:pytest]\naddopts = -k x\n[a]\nb = 1\n", "back"),
        ("setup.cfg", INI, INI + " [tool:pytest]\n", "stays"),
        ("setup.cfg", INI, INI + "[tool:pytest]\naddopts = -k x\n", "stays"),
        ("setup.cfg", INI, INI + "[tool:pytest] ; x\naddopts = -k x\n", "stays"),
        ("setup.cfg", INI, INI + "[options.entry_points]\npytest11 = a\n", "stays"),
        ("setup.cfg", INI, "no header\n", "stays"),
        ("pyproject.toml", TOML, TOML.replace("line = 3", "line = 4"), "same"),
        ("pyproject.toml", TOML, TOML.replace("-ra", "-k x"), "back"),
        ("pyproject.toml", TOML, TOML.replace("[tool.pytest.", '[tool."pytest".').replace("-ra", "-k x"), "stays"),
        ("pyproject.toml", TOML, '[project]\nname = "a"\n[tool]\npytest.ini_options = {addopts = "-k x"}\n', "stays"),
        ("pyproject.toml", None, '[tool.pytest.ini_options]\naddopts = "-k x"\n', "back"),
        ("pyproject.toml", TOML, "not toml", "stays"),
        ("pyproject.toml", TOML, TOML + '[project.entry-points.pytest11]\na = "b"\n', "stays"),
    ],
)
def test_mixed_files(path: str, old: str | None, new: str, wanted: str) -> None:
    before, after = (File(old.encode()) if old is not None else None), File(new.encode(), True)
    found = steered_back(path, after, before)
    if wanted != "back":
        assert found == (after if wanted == "same" else None)
        return
    assert found is not None
    assert found.executable
    parse = read_toml if path.endswith("toml") else read_ini
    assert parse(found.data.decode())[0] == parse(old or "")[0]
    assert parse(found.data.decode())[1] == parse(new)[1]


PIECES = st.lists(
    st.sampled_from(
        [
            *("[tool:pytest]", "[pytest]", " [pytest]", "[a]", "addopts = x", "  more", "[[tool.pytest]]", "# y", ""),
            *("[tool.pytest.a]", "tool.pytest.b = 1", "[tool]", 'c = """', '"""', "x = 1", '[tool."py\\u0074est"]'),
        ]
    ),
    max_size=8,
)


@given(PIECES, PIECES, st.sampled_from(["setup.cfg", "pyproject.toml"]))
def test_steering_is_never_that_of_the_patch(old: list[str], new: list[str], path: str) -> None:
    parse = read_toml if path.endswith("toml") else read_ini
    found = steered_back(path, File("\n".join(new).encode()), File("\n".join(old).encode()))
    if found is not None:
        assert parse(found.data.decode())[0] == parse("\n".join(old))[0]


def test_a_report_is_what_the_tests_printed_without_the_markers() -> None:
    log = "+ git show\n+ : '>>>>> Start Test Output'\n+ pytest -rA\nPASSED a\n+ : '>>>>> End Test Output'\n+ git\n"
    assert shown(log) == "+ pytest -rA\nPASSED a"
    assert shown("no markers\n") == "no markers\n"
