"""The figures of `analysis/`: each can be drawn of a small run, of several, and of one that has just begun."""

import runpy
import sys
from pathlib import Path

import pytest

from dgm.archive import LOG
from tests.cli.archives import grow

ANALYSIS = Path(__file__).parents[2] / "analysis"
FIGURES = ("progress", "archive_tree", "metaproductivity", "heat_map", "spend", "comparison")


def draw(name: str, out: Path, *archives: Path) -> None:
    words, path = sys.argv, sys.path[:]
    sys.argv = [name, *map(str, archives), "--out", str(out)]
    sys.path.insert(0, str(ANALYSIS))
    try:
        runpy.run_path(str(ANALYSIS / f"{name}.py"), run_name="__main__")
    finally:
        sys.argv, sys.path[:] = words, path
    assert out.read_bytes().startswith(b"\x89PNG")


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("figures")
    for name in ("a", "b"):
        grow(folder / name)
    (folder / "empty").mkdir()
    (folder / "empty" / LOG).touch()
    return [folder / "a", folder / "b", folder / "empty"]


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_of_a_run(name: str, runs: list[Path], tmp_path: Path) -> None:
    draw(name, tmp_path / "one.png", runs[0])


@pytest.mark.slow
@pytest.mark.parametrize("name", FIGURES)
def test_figures_of_several_runs_and_of_none(name: str, runs: list[Path], tmp_path: Path) -> None:
    draw(name, tmp_path / "all.png", *runs, runs[0])
    draw(name, tmp_path / "empty.png", runs[2])


def test_every_script_says_what_it_shows() -> None:
    for name in FIGURES:
        about = (ANALYSIS / f"{name}.py").read_text().split('"""')[1]
        assert f"usage: python analysis/{name}.py ARCHIVE" in about
        assert "improve" not in about
