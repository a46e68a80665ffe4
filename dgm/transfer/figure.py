"""The transfer table as a picture.

Invariant: shows the numbers of `dgm.transfer.table`, and computes none.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from dgm.config import ConfigError
from dgm.text import clip
from dgm.transfer.table import Group, Row

if TYPE_CHECKING:
    from matplotlib.axes import Axes

KINDS = (".png", ".svg", ".pdf")
BETTER, WORSE, EVEN, SEED = "#0072b2", "#d55e00", "#777777", "#222222"
"""Told apart by colour-blind people too (Okabe and Ito)."""
COLOURS = {"improved": BETTER, "worse": WORSE}


def check(path: Path) -> None:
    """Raises `ConfigError` where it could not be drawn."""
    from importlib.util import find_spec

    if path.suffix not in KINDS:
        raise ConfigError(f"--figure {path}: has to end in {', '.join(KINDS)}")
    if find_spec("matplotlib") is None:
        raise ConfigError("--figure needs Matplotlib: pip install 'dgm[plots]'")


def draw(groups: Sequence[Group], path: Path, simulation: bool) -> None:
    """A line a group: rates with their intervals on the left, differences to the seed on the right."""
    from matplotlib.figure import Figure

    rows = [[row for row in group.rows if row.attempts] for group in groups]
    heights = [0.34 * max(len(some), 1) + 0.75 for some in rows]
    figure = Figure(figsize=(9.0, sum(heights) + 0.9), layout="constrained")
    edges = [abs(edge) for some in rows for row in some if (one := row.difference) for edge in (one.low, one.high)]
    span = 1.08 * max(edges, default=1.0)
    grid = figure.add_gridspec(len(groups), 2, height_ratios=heights)
    for place, (group, some) in enumerate(zip(groups, rows, strict=True)):
        left, right = (figure.add_subplot(grid[place, side]) for side in (0, 1))
        last = place == len(groups) - 1
        rates(left, group, some, "tasks solved, 95 % interval" if last else "")
        gains(right, some, span, "difference to the seed, paired by task, 95 % interval" if last else "")
    legend = "In colour: the interval, corrected for all comparisons, leaves out 0. Hollow: not complete"
    figure.suptitle(f"{legend}. A simulation" if simulation else legend, fontsize=9)
    figure.savefig(path, dpi=150, metadata={"Software": None} if path.suffix == ".png" else None)


def rates(axes: "Axes", group: Group, rows: Sequence[Row], label: str) -> None:
    for place, row in enumerate(rows):
        mark(axes, place, row, row.rate, row.low, row.high)
    seed = next((row for row in rows if row.seed), None)
    if seed is not None:
        axes.axvline(seed.rate, color=SEED, linewidth=0.8, linestyle=":")
    dress(axes, f"{clip(group.benchmark, 40)} with {clip(group.model, 40)}, {group.tasks} tasks", label, len(rows))
    names = [("seed " if row.seed else "") + (row.agent[:8] or clip(row.name, 24)) for row in rows]
    axes.set_yticks(range(len(rows)), [name.replace("$", r"\$") for name in names])
    axes.set_xlim(-0.02, 1.02)


def gains(axes: "Axes", rows: Sequence[Row], span: float, label: str) -> None:
    axes.axvline(0, color=SEED, linewidth=0.8, linestyle=":")
    for place, row in enumerate(rows):
        if row.difference is not None:
            one = row.difference
            mark(axes, place, row, one.mean, one.low, one.high)
            text = f"+{row.gained}/-{row.lost}"
            axes.text(1.01, place, text, transform=axes.get_yaxis_transform(), va="center", fontsize=7.5)
    dress(axes, "", label, len(rows))
    axes.set_yticks(range(len(rows)), [""] * len(rows))
    axes.set_xlim(-span, span)


def mark(axes: "Axes", place: int, row: Row, mean: float, low: float, high: float) -> None:
    colour = SEED if row.seed else COLOURS.get(row.verdict, EVEN)
    axes.plot([low, high], [place, place], color=colour, linewidth=1.6)
    axes.plot([mean], [place], "o", color=colour, markersize=5, markerfacecolor=colour if row.complete else "white")


def dress(axes: "Axes", title: str, label: str, rows: int) -> None:
    axes.set_title(title.replace("$", r"\$"), fontsize=9, loc="left", fontweight="bold")
    axes.set_xlabel(label, fontsize=8)
    axes.set_ylim(max(rows, 1) - 0.4, -0.6)
    axes.tick_params(labelsize=8, length=0)
    axes.grid(axis="x", color="#dddddd", linewidth=0.6)
    axes.set_axisbelow(True)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
