"""Benchmarks are read whole, and refused with a text that says what to change."""

import shutil
from pathlib import Path

import pytest

from dgm.benchmarks import BadBenchmark, FolderBenchmark, open_benchmark
from dgm.config import ConfigError
from dgm.shipped import home
from tests.benchmarks.samples import commanded, exercises, shop


def test_the_version_covers_what_a_score_depends_on(tmp_path: Path) -> None:
    folder = shop(tmp_path / "shop")
    seen = [FolderBenchmark(folder).version]
    assert FolderBenchmark(folder).version == seen[0]
    task = folder / "tasks" / "price"
    for path in (task / "task.md", task / "work/shop/price.py", task / "hidden/tests/test_hidden.py"):
        path.write_text(path.read_text() + "\n")
        seen.append(FolderBenchmark(folder).version)
    (task / "task.toml").write_text("[check]\nseconds = 5\n")
    seen.append(FolderBenchmark(folder).version)
    assert len(set(seen)) == 5
    (folder / "README.md").write_text("Notes change no score.\n")
    assert FolderBenchmark(folder).version == seen[-1]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('name = "x"\nlangauge = "python"', "did you mean `language`?"),
        ('name = "x"\n[check]\nsecond = 3', "did you mean `seconds`?"),
        ('name = "x"\nzzz = 3', "allowed are name"),
        ("language = 'python'", "name"),
        ("name = 5", "Expected `str`"),
        ("name = ", "is not TOML"),
    ],
)
def test_bad_settings(tmp_path: Path, text: str, says: str) -> None:
    folder = shop(tmp_path / "shop")
    (folder / "benchmark.toml").write_text(text)
    with pytest.raises(BadBenchmark) as caught:
        FolderBenchmark(folder)
    assert says in str(caught.value)
    assert "benchmark.toml" in str(caught.value)


def test_bad_folders(tmp_path: Path) -> None:
    folder = shop(tmp_path / "shop")
    task = folder / "tasks" / "price"
    (task / "hidden/tests/test_hidden.py").write_text("x = 1\n")
    with pytest.raises(BadBenchmark, match="no unittest tests"):
        FolderBenchmark(folder)
    (task / "hidden/tests/test_hidden.py").write_text("def (\n")
    with pytest.raises(BadBenchmark, match="not Python"):
        FolderBenchmark(folder)
    (task / "work/link").symlink_to("/etc/passwd")
    with pytest.raises(BadBenchmark, match="link"):
        FolderBenchmark(folder)
    shutil.rmtree(task / "hidden")
    with pytest.raises(BadBenchmark, match="hidden"):
        FolderBenchmark(folder)
    shutil.rmtree(task)
    with pytest.raises(BadBenchmark, match="empty"):
        FolderBenchmark(folder)


def test_open_by_name_and_path(tmp_path: Path) -> None:
    assert open_benchmark("starter").version == open_benchmark(str(home("benchmarks") / "starter")).version
    assert open_benchmark(str(shop(tmp_path / "shop"))).name == "shop"
    with pytest.raises(ConfigError, match="starter"):
        open_benchmark("startre")


def test_a_configured_collection(tmp_path: Path) -> None:
    exercises(tmp_path / "exercises")
    mine = tmp_path / "mine"
    mine.mkdir()
    settings = mine / "benchmark.toml"
    settings.write_text('kind = "polyglot"\nname = "mine"\npath = "../exercises"\nlanguages = ["python"]\n')
    task = open_benchmark(str(mine)).task("mine/python-leap")
    assert set(task.files) == {"leap.py"}
    assert task.statement.startswith("Calendars.\n\nTell leap years.\n\nReturn a bool.\n\n")
    assert "leap.py" in task.statement
    settings.write_text(settings.read_text() + "tests_visible = true\n")
    assert set(open_benchmark(str(mine)).task("mine/python-leap").files) == {"leap.py", "leap_test.py"}
    settings.write_text('kind = "polyglot"\npath = "../exercises"\nlanguages = ["cobol"]\n')
    with pytest.raises(BadBenchmark, match="supported are: python"):
        open_benchmark(str(mine))
    settings.write_text('kind = "polyglot"\npath = "nowhere"\n')
    with pytest.raises(BadBenchmark, match="git clone"):
        open_benchmark(str(mine))


def test_where_a_command_decides_nothing_has_to_be_hidden(tmp_path: Path) -> None:
    folder = commanded(tmp_path / "own", "grep -q 43 answer")
    before = FolderBenchmark(folder)
    shutil.rmtree(folder / "tasks/task/hidden")
    assert FolderBenchmark(folder).version != before.version
    settings = (folder / "benchmark.toml").read_text()
    (folder / "benchmark.toml").write_text('name = "own"\n')
    with pytest.raises(BadBenchmark, match="hidden is missing"):
        FolderBenchmark(folder)
    (folder / "tasks/task/task.toml").write_text(settings[settings.index("[check]") :])
    assert FolderBenchmark(folder).tasks() == ("own/task",)
