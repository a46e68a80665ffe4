"""Several runs side by side, grouped by policy, model, seed agent and budget: what the agent with the best belief
solves as evaluations go on, and what it solves in the end beyond the seed; means over the runs of a group, with 95 %
intervals.

usage: python analysis/comparison.py ARCHIVE ARCHIVE [ARCHIVE...] --out FILE
"""

import numpy as np
import pandas as pd
from drawing import COLOURS, INK, SHARES, nothing, opened, panels, save
from leader import led

from dgm.opened import OpenedRun
from dgm.simulation.intervals import Estimate, of_values

POINTS = 60


def group(run: OpenedRun) -> str:
    """What runs have in common that differ in their random seeds alone."""
    config = run.tree.config
    part = [
        config.get(one, {}).get(key, "") for one, key in (("policy", "name"), ("run", "seed"), ("run", "benchmark"))
    ]
    models = {model.get("name", "") for model in config.get("models", {}).values()}
    named = ", ".join(filter(None, [*part, *sorted(models)]))[:60] or "settings unknown"
    budget = config.get("run", {}).get("evaluations")
    return f"{named}, {budget:,} evaluations" if isinstance(budget, int) else named


def gain(run: OpenedRun) -> float:
    """What the best agent solves beyond the seed, by their own scores; 0 where the seed is best."""
    rates = run.agents["rate"].fillna(0)
    return float(rates[run.agents["best"]].iloc[0] - rates.iloc[0])


def main() -> None:
    runs, out = opened(__doc__)
    groups: dict[str, list[tuple[OpenedRun, pd.DataFrame]]] = {}
    for run in runs:
        if len(run.results):
            groups.setdefault(group(run), []).append((run, led(run)))
    figure, axes = panels("Runs compared", 1, 2, 11, 3.9 + 0.25 * len(groups), width_ratios=[1.5, 1])
    curves, ends = axes[0]
    for number, (name, members) in enumerate(groups.items()):
        colour, seeds = COLOURS[number % len(COLOURS)], f"{len(members)} run{'s' * (len(members) > 1)}"
        at = np.unique(np.linspace(1, min(len(frame) for _, frame in members), POINTS).astype(int))
        over = [of_values([frame["belief"][n - 1] for _, frame in members]) for n in at]
        curves.plot(at, [one.mean for one in over], color=colour, linewidth=1.8, label=f"{name}: {seeds}")
        curves.fill_between(
            at, [one.low for one in over], [one.high for one in over], color=colour, alpha=0.15, linewidth=0
        )
        for _, frame in members:
            curves.plot(frame.index + 1, frame["belief"], color=colour, linewidth=0.5, alpha=0.4)
        values = [gain(run) for run, _ in members]
        whole: Estimate = of_values(values)
        ends.plot(values, [number] * len(values), "o", color=colour, alpha=0.35, markersize=5)
        ends.plot(whole.mean, number, "D", color=colour, markersize=6)
        low, high = max(whole.low, -1.0), min(whole.high, 1.0)  # no difference of shares is larger
        ends.hlines(number, low, high, color=colour, linewidth=2)
        span = f"{100 * low:+.0f} to {100 * high:+.0f}" if len(values) > 1 else "no interval from one run"
        ends.annotate(
            f"{100 * whole.mean:+.0f} points ({span})",
            (whole.mean, number),
            (0, 9),
            textcoords="offset points",
            ha="center",
            fontsize=8,
        )
    if not groups:
        nothing(curves, "no evaluations yet")
    curves.set(xlabel="evaluations", ylabel="best belief: share of tasks solved", ylim=(0, 1), xlim=(0, None))
    curves.yaxis.set_major_formatter(SHARES)
    ends.set_title("on the tasks that agents were chosen by", fontsize=9)
    ends.axvline(0, color=INK, linewidth=0.9)
    ends.set(xlabel="solved by the best agent minus solved by the seed", ylim=(len(groups) - 0.3, -0.7), yticks=[])
    ends.xaxis.set_major_formatter(SHARES)
    ends.margins(x=0.3)
    if len(groups):
        ends.set_xlim(max(ends.get_xlim()[0], -1.3), min(ends.get_xlim()[1], 1.3))
    if groups:
        figure.legend(*curves.get_legend_handles_labels(), loc="outside upper right")
    save(
        figure,
        out,
        "Bold: mean over runs, band and bar: its 95 % interval by Student's t; thin lines and pale dots: single runs. "
        "Scores are on the tasks that the agents were chosen by, so the best looks better than it is: "
        "no gain is shown here, only how much runs agree. Held-out tasks can show one.",
        runs,
    )


if __name__ == "__main__":
    main()
