"""`analysis/search.py`: its pages say when they were made, from what, and whether anything was tuned on it."""

import runpy
from pathlib import Path

import pytest
from msgspec.structs import replace

from dgm.simulation import tables
from dgm.simulation.grid import Grid, gather

SEARCH = runpy.run_path(str(Path(__file__).parents[2] / "analysis" / "search.py"))
GRID = Grid(("hgm", "random"), ("null", "random-200", "random-201"), (4000, 4001), (20, 30), (1.0,), (1,), 12)


@pytest.mark.parametrize(
    ("grid", "tuned"),
    [
        (GRID, False),
        (replace(GRID, seeds=(5, 4000)), True),
        (replace(GRID, families=("null", "random-3", "random-4")), True),
    ],
)
def test_a_page_says_what_it_rests_on(grid: Grid, tuned: bool, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    cells = tables.cells(grid, gather(grid, jobs=1), "hgm")
    SEARCH["report"]("settings", SEARCH["STAGES"]["settings"], grid, cells, tmp_path)
    page = (tmp_path / "settings.md").read_text()
    assert f"{len(grid)} trials: seeds {grid.seeds[0]} to {grid.seeds[-1]}" in page
    assert ("not for reporting" in page) == tuned
    assert "### random minus hgm" in page
    assert "### Coverage of the 90 % interval of random" in page
    assert (tmp_path / "settings.csv").read_text().startswith("budget,")
    pictures = {path.name for path in tmp_path.glob("*.png")}
    assert pictures == {"settings-settings-random.png"}
    assert all(f"({name})" in page for name in pictures)


def test_stages_report_on_what_nothing_was_tuned_on() -> None:
    for stage in SEARCH["STAGES"].values():
        assert "random-0" not in stage.wanted.families
    assert not {4000, 4199} & set(SEARCH["TUNING_SEEDS"])
