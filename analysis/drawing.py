"""What the figures of this folder have in common: arguments, looks, and the Beta intervals of success rates."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from textwrap import fill
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.special import betaincinv

from dgm import Damaged, NoArchive, open_run
from dgm.opened import OpenedRun

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8c564b", "#7a7acd")
"""Told apart by colour-blind people too (Okabe and Ito), and then two more."""
GREY, INK = "#9a9a9a", "#222222"
SHARES = "{x:.0%}"
SIMULATION = "Simulation: the scripted model stands in for a real one, so nothing here says how good a real agent is."
LOOKS = {
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#999999",
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#e3e3e3",
    "grid.linewidth": 0.6,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "legend.frameon": False,
    "legend.fontsize": 8,
    "text.parse_math": False,
    "image.cmap": "viridis",
}


def opened(about: str | None) -> tuple[list[OpenedRun], Path]:
    """The runs that the command line names, and the file to draw to. `about`: what the figure shows."""
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("archives", nargs="+", metavar="ARCHIVE", type=Path)
    parser.add_argument("--out", required=True, type=Path, metavar="FILE", help=".png, .svg or .pdf")
    options = parser.parse_args()
    mpl.rcParams.update(LOOKS)
    unlike = {path.resolve(): path for path in options.archives}  # one that is named twice is still one run
    try:
        return [open_run(path) for path in unlike.values()], options.out
    except (NoArchive, Damaged) as error:
        parser.error(str(error))


def panels(title: str, lines: int, columns: int, width: float, height: float, **more: Any) -> tuple[Figure, np.ndarray]:
    """A figure with panels; sizes in inches. The array has two dimensions."""
    figure = Figure(figsize=(width, height), layout="constrained")
    figure.suptitle(title, fontsize=11, fontweight="bold", x=0.01, ha="left")
    return figure, figure.subplots(lines, columns, squeeze=False, **more)


def save(figure: Figure, out: Path, remark: str, runs: Sequence[OpenedRun]) -> None:
    """Write the figure, with `remark` below it."""
    lines = fill(remark, int(16 * figure.get_figwidth()))
    if any(run.simulation for run in runs):
        lines += f"\n{SIMULATION}"
    figure.supxlabel(lines, fontsize=8, color="#555555", x=0.01, ha="left")
    figure.savefig(out, dpi=150)
    print(out)


def nothing(axes: Axes, words: str) -> None:
    axes.text(0.5, 0.5, words, transform=axes.transAxes, ha="center", va="center", color="#666666", backgroundcolor="w")


def rate_interval(solved: Any, failed: Any, level: float = 0.9) -> tuple[Any, Any]:
    """The interval of a success rate that Beta(1 + solved, 1 + failed) gives; numbers or arrays."""
    return tuple(betaincinv(np.add(1, solved), np.add(1, failed), tail) for tail in ((1 - level) / 2, (1 + level) / 2))


def names(runs: Sequence[OpenedRun]) -> list[str]:
    """What to call the runs: by the last parts of their paths that tell them apart."""
    parts = [run.path.resolve().parts for run in runs]
    length = next(n for n in range(1, 99) if len({one[-n:] for one in parts}) == len(set(parts)))
    return ["/".join(one[-length:])[-40:] for one in parts]


def money(runs: Sequence[OpenedRun]) -> tuple[str, str, float]:
    """The column to count spending by, its name on an axis, and its unit: dollars, or tokens where all was free."""
    if any(run.tree.spent.usd > 0 for run in runs):
        return "usd", "dollars", 1.0
    return "tokens", "million tokens (no call cost anything)", 1e6
