"""`docs/statistics.md` says what the code says."""

import re
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from dgm.statistics import Verdict, mcnemar, tasks_needed, visible
from tests.test_statistics import coverage, ours, tango

PAGE = (Path(__file__).parents[1] / "docs" / "statistics.md").read_text()


def cells(start: str) -> list[str]:
    """Of the table row that begins with `start`, without its head."""
    row = next(line for line in PAGE.splitlines() if line.strip().startswith(f"| {start} "))
    return [cell.strip() for cell in row.strip().strip("|").split("|")][1:]


def test_it_explains_every_verdict() -> None:
    assert all(cells(word) for word in get_args(Verdict))


def test_its_coverage_is_that_of_the_intervals() -> None:
    for name, interval in (("Fay and Lumbard", ours), ("Tango", tango)):
        found = coverage(interval, 9)
        assert [f"{value:.3f}" for value in (min(found), np.mean(found))] == cells(name)


def test_the_gained_tasks_that_it_asks_for_are_the_fewest() -> None:
    for comparisons, gained in zip(cells("comparisons"), cells("gained tasks"), strict=True):
        assert mcnemar(int(gained), 0) <= 0.05 / int(comparisons) < mcnemar(int(gained) - 1, 0)


@pytest.mark.parametrize("difference", [5, 10, 20])
def test_the_tasks_that_it_asks_for_are_those_needed(difference: int) -> None:
    shares = [int(share) / 100 for share in re.findall(r"\d+", " ".join(cells("true difference")))]
    for share, tasks in zip(shares, cells(f"{difference} points"), strict=True):
        if tasks != "-":
            assert tasks_needed(difference / 100, share) == int(tasks)


def test_the_readme_says_what_tasks_can_show() -> None:
    readme = " ".join((Path(__file__).parents[1] / "README.md").read_text().split())
    said = re.search(r"at best: (\d+) show (\d+) points, (\d+) show (\d+), (\d+) show (\d+)", readme)
    assert said is not None
    numbers = [int(one) for one in said.groups()]
    for tasks, gain in zip(numbers[::2], numbers[1::2], strict=True):
        assert round(100 * (visible(tasks) or 0)) == gain


def test_equal_agents_are_called_improved_as_seldom_as_it_says() -> None:
    from scipy.stats import binom

    differing = np.arange(61)
    won = [[g for g in range(m + 1) if 2 * g > m and mcnemar(g, m - g) <= 0.05] for m in differing]
    called = np.array(
        [binom.sf(min(some) - 1, m, 0.5) if some else 0.0 for m, some in zip(differing, won, strict=True)]
    )
    shares = np.linspace(0.05, 1, 20)
    worst = max(float(np.dot(binom.pmf(differing, 60, share), called)) for share in shares)
    stated = re.search(r"on 60 tasks it is ([\d.]+) %", PAGE.replace("\n", " ").replace("  ", " "))
    assert stated is not None
    assert f"{100 * worst:.1f}" == stated.group(1)
