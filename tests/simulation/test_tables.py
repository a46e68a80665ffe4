"""The numbers of the tables, by hand."""

from math import inf, isnan

import pytest
from msgspec.structs import replace

from dgm.policies.budget import worth
from dgm.simulation import layout, pages, tables
from dgm.simulation.grid import Grid, Rows
from dgm.simulation.tables import NAMED, RANDOM, Cell, Setting
from dgm.simulation.trial import Ran, Trial

RAN = Ran(
    *(0.5, 0.4, 0.6, 0.55),
    *(0.6, 0.45, 0.7, 0.2, 0.1, 0.3),
    *(100, 10, 11, 2, 120.0),
)
HGM = (0.5, 0.6, 0.4)
"""True utilities in three worlds."""
OURS = (0.6, 0.6, 0.6)


def rows(grid: Grid, values: dict[tuple[str, str], tuple[float, ...]]) -> Rows:
    """`values`: policy and family to a utility a seed."""
    return {
        trial: replace(
            RAN,
            utility=values[trial.policy, trial.family][trial.seed],
            curve=(0.45, 0.5, values[trial.policy, trial.family][trial.seed]),
        )
        for trial in grid.trials()
    }


def cell(cells: list[Cell], policy: str, family: str) -> Cell:
    return next(one for one in cells if (one.policy, one.family) == (policy, family))


def test_a_family_by_hand() -> None:
    grid = Grid(("hgm", "ours"), ("null",), (0, 1, 2))
    found = tables.cells(grid, rows(grid, {("hgm", "null"): HGM, ("ours", "null"): OURS}), "hgm")
    assert len(found) == 2
    ours, hgm = cell(found, "ours", "null"), cell(found, "hgm", "null")
    assert hgm.utility.mean == pytest.approx(0.5)
    assert hgm.utility.half == pytest.approx(4.302653 * 0.1 / 3**0.5, rel=1e-6)
    assert ours.difference.mean == pytest.approx(0.1)
    assert ours.difference.half == pytest.approx(4.302653 * 0.1 / 3**0.5, rel=1e-6)
    assert ours.better == pytest.approx(2.5 / 3)
    assert ours.cost == 150
    assert ours.root == pytest.approx(0.4)
    assert hgm.overclaim.mean == pytest.approx(0.1)
    assert hgm.coverage == pytest.approx(2 / 3)
    assert hgm.coverage_visible == 1
    assert (hgm.claims, hgm.false_claims) == (1, pytest.approx(1 / 3))
    assert hgm.worse == 0
    assert ours.reached == pytest.approx(2 / 3)  # 0.5 is the second of three points


def test_what_is_never_reached_is_infinite_and_without_curves_unknown() -> None:
    grid = Grid(("hgm", "ours"), ("null",), (0, 1))
    some = rows(grid, {("hgm", "null"): (0.9, 0.9), ("ours", "null"): (0.5, 0.5)})
    assert cell(tables.cells(grid, some, "hgm"), "ours", "null").reached == inf
    bare = {trial: replace(ran, curve=()) for trial, ran in some.items()}
    assert isnan(cell(tables.cells(grid, bare, "hgm"), "ours", "null").reached)


def test_random_families_are_clusters_and_others_strata() -> None:
    families = ("null", "flat", "random-1", "random-2")
    grid = Grid(("hgm", "ours"), families, (0, 1))
    values = {("hgm", family): (0.5, 0.5) for family in families}
    values |= {
        ("ours", "null"): (0.5, 0.6),
        ("ours", "flat"): (0.5, 0.5),
        ("ours", "random-1"): (0.2, 0.8),
        ("ours", "random-2"): (0.6, 0.6),
    }
    found = tables.cells(grid, rows(grid, values), "hgm")
    strata, clusters = cell(found, "ours", NAMED), cell(found, "ours", RANDOM)
    assert (strata.families, strata.trials, clusters.families) == (2, 4, 2)
    assert strata.difference.mean == pytest.approx(0.025)
    assert strata.difference.half == pytest.approx(12.7062 * 0.05 / 2, rel=1e-5)
    assert clusters.difference.mean == pytest.approx(0.05)
    assert clusters.difference.half == pytest.approx(12.7062 * 0.05, rel=1e-5)  # between families, not within


def test_cost_to_reach_from_smaller_budgets() -> None:
    grid = Grid(("hgm", "ours"), ("null",), (0, 1), budgets=(100, 200, 400), ks=(1.0,))
    utility = {("hgm", 100): 0.4, ("hgm", 200): 0.5, ("hgm", 400): 0.6}
    utility |= {("ours", 100): 0.5, ("ours", 200): 0.55, ("ours", 400): 0.65}
    some = {trial: replace(RAN, utility=utility[trial.policy, trial.budget]) for trial in grid.trials()}
    ours = next(one for one in tables.cells(grid, some, "hgm") if (one.policy, one.setting.budget) == ("ours", 200))
    assert (ours.behind.mean, ours.difference.mean) == (pytest.approx(-0.05), pytest.approx(0.05))
    assert ours.part == pytest.approx(worth(200, 1.0) / worth(400, 1.0))
    found = {
        (reach.policy, reach.setting.budget): reach for reach in tables.reaches(tables.cells(grid, some, "hgm"), "hgm")
    }
    costs = {budget: worth(budget, 1.0) for budget in grid.budgets}
    assert found["hgm", 400].part == pytest.approx(1)
    assert found["ours", 400].part == pytest.approx((costs[200] + costs[400]) / 2 / costs[400])
    assert (found["ours", 200].at_most, found["ours", 200].part) == (True, pytest.approx(costs[100] / costs[200]))
    assert not found["ours", 400].at_most


def test_layouts_show_every_number() -> None:
    grid = Grid(("hgm", "ours"), ("null", "flat", "random-1", "random-2"), (0, 1), slots=(1, 20))
    some = rows(grid, {(policy, family): (0.5, 0.625) for policy in grid.policies for family in grid.families})
    cells = tables.cells(grid, some, "hgm")
    made = list(pages.tables(cells, [], "hgm"))
    assert len({table.title for table in made}) == len(made)
    for table in made:
        assert all(len(row) == len(table.head) for row in table.rows)
        narrow = layout.text(table, 60).splitlines()[2:]
        assert all(len(line) <= 60 for line in narrow if "mean of" not in line)
        for row in table.rows:
            assert all(any(text in line for line in narrow) for text in row)
            assert layout.markdown(table).count("|")
    lines = layout.comma_separated(cells).splitlines()
    assert len(lines) == 1 + len(cells)
    assert lines[1].startswith("800,5.0,1,60,null,hgm,2,1,0.4,0.5625,0.7941,0,0,")


@pytest.mark.parametrize(
    ("value", "digits", "signed", "text"),
    [
        (0.511, 3, False, ".511"),
        (0.0451, 3, True, "+.045"),
        (-0.5, 2, True, "-.50"),
        (0.9996, 3, False, "1.000"),
        (-0.0001, 3, True, "-.000"),
        (12.5, 1, False, "12.5"),
        (float("nan"), 2, False, "?"),
    ],
)
def test_numbers(value: float, digits: int, signed: bool, text: str) -> None:
    assert layout.number(value, digits, signed) == text


def test_settings_are_said() -> None:
    assert layout.said(Setting(1600, 2.5, 20, 60)) == "B 1,600, k 2.5, 20 slots"
    assert layout.said(Setting(80, 5.0, 1, 30)) == "B 80, k 5, 1 slot, 30 tasks"


def test_a_trial_is_a_row_of_the_grid() -> None:
    grid = Grid(("a", "b"), ("null",), (3, 4), (1, 2), (1.0,), (1,), 9)
    listed = list(grid.trials())
    assert len(listed) == len(grid) == len(set(listed)) == 8
    assert listed[0] == Trial("a", "null", 3, 1, 1.0, 1, 9)
