"""Which agent solved which task: a column an agent in order of birth, a row a task from the easiest down, and beside it
what share of its attempts was solved, with the 90 % interval.

usage: python analysis/heat_map.py ARCHIVE [ARCHIVE...] --out FILE
"""

import numpy as np
from drawing import INK, SHARES, names, nothing, opened, panels, rate_interval, save
from matplotlib.colors import ListedColormap
from matplotlib.patches import Patch

UNTRIED, FAILED, SOLVED = "#f4f4f4", "#e69f00", "#0072b2"
NAMED = 60
"""Tasks that can be named at the side; of more, every so many."""


def main() -> None:
    runs, out = opened(__doc__)
    tables = [run.results.pivot(index="task", columns="agent", values="solved") for run in runs]
    rows = max(max(map(len, tables)), 5)
    height = float(np.clip(0.17 * rows, 2.2, 9))
    figure, axes = panels(
        "Tasks by agents", len(runs), 2, 11, (height + 0.6) * len(runs) + 0.8, width_ratios=[6, 1], sharey="row"
    )
    for run, table, name, (cells, side) in zip(runs, tables, names(runs), axes, strict=True):
        table = table.reindex(columns=run.agents.index).astype("Float64")
        tried, solved = table.notna().sum(axis=1), table.sum(axis=1)
        order = (solved / tried).sort_values(ascending=False, kind="stable").index
        values = table.loc[order].to_numpy(dtype=float, na_value=-1)
        if not values.size:
            nothing(cells, "no evaluations yet")
            continue
        colours = ListedColormap([UNTRIED, FAILED, SOLVED])
        cells.imshow(values, cmap=colours, vmin=-1.5, vmax=1.5, aspect="auto", interpolation="nearest")
        step = len(order) // NAMED + 1
        cells.set_yticks(range(0, len(order), step), [ascii(task)[1:-1][-32:] for task in order[::step]])
        cells.set_title(f"{name}: {len(table):,} tasks, {table.shape[1]:,} agents", fontsize=9)
        cells.set_xlabel("agents, in order of birth; 0 is the seed")
        cells.grid(visible=False)
        cells.xaxis.get_major_locator().set_params(integer=True)
        s, n = solved[order].to_numpy(dtype=float), tried[order].to_numpy(dtype=float)
        low, high = rate_interval(s, n - s)
        side.hlines(range(len(order)), low, high, color=INK, linewidth=1)
        side.plot(s / n, range(len(order)), "o", color=SOLVED, markersize=3)
        side.set_xlim(-0.04, 1.04)
        side.xaxis.set_major_formatter(SHARES)
        side.set_xticks([0, 0.5, 1])
        side.set_xlabel("solved, of all attempts")
        side.tick_params(left=False, labelleft=False)
        side.margins(y=0.5 / len(order))
    patches = [
        Patch(color=SOLVED, label="solved"),
        Patch(color=FAILED, label="not solved"),
        Patch(color=UNTRIED, label="not tried"),
    ]
    figure.legend(handles=patches, loc="outside upper right", ncols=3)
    save(
        figure,
        out,
        "Agents choose neither their tasks nor how many they get, and able ones get more: a row's share says how hard "
        "a task was for those that met it.",
        runs,
    )


if __name__ == "__main__":
    main()
