"""The tables as pictures.

Invariant: shows the numbers of `dgm.simulation.tables`, and computes none.
"""

from collections.abc import Sequence
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING

from dgm.config import ConfigError
from dgm.policies.budget import worth
from dgm.simulation.intervals import Estimate
from dgm.simulation.layout import pm, said, shown
from dgm.simulation.tables import NAMED, RANDOM, Cell, Setting

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

REFERENCE = "#222222"
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8c564b", "#7a7acd")
"""Told apart by colour-blind people too (Okabe and Ito), and then two more."""
STYLES = ("-", "--")
BETTER, WORSE, EVEN = "#0072b2", "#d55e00", "#777777"
GRID = "#dddddd"
INCHES = 3.0
"""Width of a panel."""


def check_library() -> None:
    """Raises `ConfigError` where Matplotlib is missing."""
    from importlib.util import find_spec

    if find_spec("matplotlib") is None:
        raise ConfigError("--figures needs Matplotlib: pip install 'dgm[plots]'")


def draw(cells: Sequence[Cell], against: str, folder: Path) -> list[Path]:
    """All pictures, those over several settings first. Returns the files that were written."""
    by_setting: dict[Setting, list[Cell]] = {}
    for cell in cells:
        by_setting.setdefault(cell.setting, []).append(cell)
    pictures = overall(cells, against)
    for setting, members in by_setting.items():
        suffix = f"B{setting.budget}-k{setting.k:g}-W{setting.slots}"
        pictures |= {f"{name}-{suffix}": figure for name, figure in of_setting(members, against).items()}
    return save(pictures, folder)


def save(pictures: "dict[str, Figure]", folder: Path) -> list[Path]:
    for name, figure in pictures.items():
        figure.savefig(folder / f"{name}.png", dpi=150, metadata={"Software": None})
    return [folder / f"{name}.png" for name in pictures]


def overall(cells: Sequence[Cell], against: str) -> "dict[str, Figure]":
    """Differences over families in all settings, if there are several."""
    pictures = {}
    for family, name in ((NAMED, "settings"), (RANDOM, "settings-random")):
        members = [cell for cell in cells if cell.family == family]
        if len({cell.setting for cell in members}) > 1 and any(cell.policy != against for cell in members):
            pictures[name] = overview(members, against)
    return pictures


def of_setting(cells: Sequence[Cell], against: str) -> "dict[str, Figure]":
    """Of one setting: calibration, utility along the way, differences."""
    some = shown(cells)
    pictures = {"calibration": calibration(some, against)}
    if any(cell.curve for cell in some):
        pictures["curves"] = curves(some, against)
    if any(cell.policy != against for cell in some):
        pictures["differences"] = differences(some, against)
    return pictures


def curves(cells: Sequence[Cell], against: str) -> "Figure":
    """True utility against cost, a panel a family, a line a policy, with its 95 % band."""
    setting, families, policies = cells[0].setting, _families(cells), _policies(cells)
    figure, panels = _panels(len(families), 4, INCHES, 2.3, f"True utility on hidden tasks, {said(setting)}")
    by_place = {(cell.family, cell.policy): cell for cell in cells}
    cost = worth(setting.budget, setting.k)
    for number, (family, axes) in enumerate(zip(families, panels, strict=True)):
        for policy in policies:
            cell = by_place[family, policy]
            at = [cost * point / len(cell.curve) for point in range(len(cell.curve) + 1)]
            means = [cell.root, *(one.mean for one in cell.curve)]
            colour, style = _look(policy, policies, against)
            axes.plot(at, means, style, color=colour, linewidth=1.6, label=policy)
            if len(policies) <= 5 and family != RANDOM:  # there it would say how much the families differ
                low, high = [one.low for one in cell.curve], [one.high for one in cell.curve]
                axes.fill_between(at[1:], low, high, color=colour, alpha=0.12, linewidth=0)
        _dress(axes, family)
        axes.set_xlim(0, cost)
        axes.locator_params(nbins=5)
        if number + 4 >= len(families):
            axes.set_xlabel("cost, in evaluations", fontsize=9)
    _legend(figure, panels[0])
    return figure


def differences(cells: Sequence[Cell], against: str) -> "Figure":
    """A panel a policy, a row a family: the paired difference to the reference with its 95 % interval."""
    title = f"True utility minus that of {against} in the same worlds, {said(cells[0].setting)}"
    return _forest(title, {(cell.family, cell.policy): cell.difference for cell in cells}, against)


def overview(cells: Sequence[Cell], against: str) -> "Figure":
    """The same of one family, or of all together, with a row a setting."""
    title = f"True utility minus that of {against} in the same worlds, {cells[0].family}"
    return _forest(title, {(said(cell.setting), cell.policy): cell.difference for cell in cells}, against)


def _forest(title: str, by_place: dict[tuple[str, str], Estimate], against: str) -> "Figure":
    """`by_place`: row and policy to difference."""
    names = list(dict.fromkeys(row for row, _ in by_place))
    others = list(dict.fromkeys(policy for _, policy in by_place if policy != against))
    figure, panels = _panels(len(others), 4, INCHES, 0.55 + 0.24 * len(names), title, label=1.5)
    span = max(abs(edge) for one in by_place.values() for edge in (one.mean, one.low, one.high) if edge == edge)
    for number, (policy, axes) in enumerate(zip(others, panels, strict=True)):
        axes.axvline(0, color=REFERENCE, linewidth=0.9)
        for row, name in enumerate(names):
            one = by_place[name, policy]
            colour = BETTER if one.low > 0 else WORSE if one.high < 0 else EVEN
            pooled = name in (NAMED, RANDOM)
            axes.errorbar(
                one.mean, row, xerr=_bar(one.half), fmt="D" if pooled else "o", markersize=6 if pooled else 4.5,
                color=colour, elinewidth=2.2 if pooled else 1.4, capsize=0,
            )  # fmt: skip
            axes.text(
                0.995, row, pm(one, signed=True, mark=False), transform=axes.get_yaxis_transform(), ha="right",
                va="center", fontsize=7.5, bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.0},
            )  # fmt: skip
        _rows(axes, names, first=number % 4 == 0)
        _dress(axes, policy)
        axes.set_xlim(-1.06 * span, 1.06 * span)
        axes.locator_params(axis="x", nbins=5)
        axes.set_xticks([tick for tick in axes.get_xticks() if abs(tick) <= span])
        axes.set_xlim(-1.06 * span, 1.75 * span)  # the numbers stand on the right
    figure.supxlabel(
        f"left: {against} is better; right: the other is; in colour where the 95 % interval leaves out 0", fontsize=9
    )
    return figure


def calibration(cells: Sequence[Cell], against: str) -> "Figure":
    """Coverage, over-claim and false claims: a row a family, a mark a policy."""
    setting, families, policies = cells[0].setting, _families(cells), _policies(cells)
    height = 0.8 + len(families) * max(0.3, 0.07 * len(policies))
    title = f"What a run says of its agent, and what is true, {said(setting)}"
    figure, panels = _panels(3, 3, INCHES + 0.3, height, title, label=1.5)
    coverage, overclaim, false = panels
    coverage.axvspan(0.85, 0.95, color="#009e73", alpha=0.15, linewidth=0)
    overclaim.axvline(0, color=REFERENCE, linewidth=0.9)
    false.axvspan(0, 0.05, color="#009e73", alpha=0.15, linewidth=0)
    by_place = {(cell.family, cell.policy): cell for cell in cells}
    for place, policy in enumerate(policies):
        colour, _ = _look(policy, policies, against)
        marker = "o" if place <= len(COLOURS) else "s"
        rows = [row + 0.64 * ((place + 0.5) / len(policies) - 0.5) for row in range(len(families))]
        members = [by_place[family, policy] for family in families]
        look = {"color": colour, "markersize": 4.5, "marker": marker, "linestyle": "none"}
        coverage.plot([one.coverage for one in members], rows, label=policy, **look)  # type: ignore[arg-type]
        false.plot([one.false_claims for one in members], rows, **look)  # type: ignore[arg-type]
        means, bars = [one.overclaim.mean for one in members], [_bar(one.overclaim.half) or 0.0 for one in members]
        overclaim.errorbar(means, rows, xerr=bars, elinewidth=1.1, **look)  # type: ignore[arg-type]
    titles = ("90 % interval holds the truth", "claimed minus true utility", "claims a gain that is none")
    for number, (axes, name) in enumerate(zip(panels, titles, strict=True)):
        _rows(axes, families, first=number == 0)
        _dress(axes, name)
    coverage.set_xlim(min(0.45, coverage.get_xlim()[0]), 1.02)
    false.set_xlim(-0.01, max(0.25, false.get_xlim()[1]))
    _legend(figure, coverage)
    return figure


# -------------------------------------------------------------------- looks


def _panels(
    number: int, columns: int, width: float, height: float, title: str, label: float = 0.3
) -> "tuple[Figure, list[Axes]]":
    """A figure with `number` panels, in inches; `label`: room for the names of rows."""
    from matplotlib.figure import Figure

    columns = min(columns, number)
    lines = ceil(number / columns)
    size = (max(width * columns + label, 7.5), height * lines + 1.1)
    figure = Figure(figsize=size, layout="constrained")
    figure.suptitle(title, fontsize=11, fontweight="bold")
    return figure, [figure.add_subplot(lines, columns, place + 1) for place in range(number)]


def _dress(axes: "Axes", title: str) -> None:
    axes.set_title(title, fontsize=10, loc="left")
    axes.tick_params(labelsize=8, length=0)
    axes.grid(color=GRID, linewidth=0.6)
    axes.set_axisbelow(True)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color("#999999")


def _rows(axes: "Axes", families: Sequence[str], first: bool) -> None:
    """Families from the top down; those over families stand apart."""
    axes.set_yticks(range(len(families)), families if first else [""] * len(families))
    axes.set_ylim(len(families) - 0.4, -0.6)
    pooled = [row for row, family in enumerate(families) if family in (NAMED, RANDOM)]
    if pooled and pooled[0]:
        axes.axhline(pooled[0] - 0.5, color="#999999", linewidth=0.8)
    for row, text in enumerate(axes.get_yticklabels()):
        text.set_fontweight("bold" if row in pooled else "normal")


def _legend(figure: "Figure", axes: "Axes") -> None:
    handles, labels = axes.get_legend_handles_labels()
    columns = min(len(labels), max(int(figure.get_figwidth() / 1.8), 2))
    figure.legend(handles, labels, loc="outside lower center", ncols=columns, frameon=False, fontsize=9)


def _look(policy: str, policies: Sequence[str], against: str) -> tuple[str, str]:
    if policy == against:
        return REFERENCE, "-"
    place = [other for other in policies if other != against].index(policy)
    return COLOURS[place % len(COLOURS)], STYLES[place // len(COLOURS) % len(STYLES)]


def _bar(half: float) -> float | None:
    return None if half != half else half


def _families(cells: Sequence[Cell]) -> list[str]:
    return list(dict.fromkeys(cell.family for cell in cells))


def _policies(cells: Sequence[Cell]) -> list[str]:
    return list(dict.fromkeys(cell.policy for cell in cells))
