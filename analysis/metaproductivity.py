"""Whether an agent's own score tells what its descendants will reach: own score and clade estimate against empirical
metaproductivity (the highest mean among the descendants), and the correlation of each estimator with it, as in Table 1
and Appendix D of the Huxley-Gödel Machine's paper (arXiv 2510.21614).

usage: python analysis/metaproductivity.py ARCHIVE [ARCHIVE...] --out FILE
"""

from collections.abc import Iterable, Iterator
from math import isfinite

import numpy as np
from drawing import COLOURS, INK, SHARES, names, nothing, opened, panels, save

from dgm.archive import LOG
from dgm.events import AgentBorn, AnyEvent
from dgm.log import LogReader
from dgm.simulation.estimators import ESTIMATORS, LEAST, Past, past, pearson
from dgm.simulation.intervals import of_values

NAMES = {
    "clade": "HGM: its clade",
    "own": "SICA: its own mean",
    "dgm": "DGM: weight of a parent",
    "race": "RACE: promise",
}
DRAWS = 1000
MOST = 400
"""Agents; of a run with more, what had happened before the next one was born. The time grows with their square."""


def begun(events: Iterable[AnyEvent]) -> Iterator[AnyEvent]:
    """The log until `MOST` agents were there."""
    born = 0
    for event in events:
        born += isinstance(event, AgentBorn)
        if born > MOST:
            return
        yield event


def correlation(points: list[Past], name: str, weighted: bool) -> float:
    weights = [float(one.evaluations) if weighted else 1.0 for one in points]
    return pearson([one.scores[name] for one in points], [one.target for one in points], weights)


def estimate(runs: list[list[Past]], name: str, weighted: bool) -> tuple[float, float, float]:
    """Mean, low, high: over several runs by Student's t, of a single one by a bootstrap over its agents."""
    values = [one for one in (correlation(points, name, weighted) for points in runs) if isfinite(one)]
    if len(runs) > 1 or not values:
        over = of_values(values)
        return over.mean, max(over.low, -1.0), min(over.high, 1.0)
    rng, points = np.random.default_rng(0), runs[0]
    drawn = [
        correlation([points[k] for k in rng.integers(0, len(points), len(points))], name, weighted)
        for _ in range(DRAWS)
    ]
    return values[0], *np.nanquantile(drawn, (0.025, 0.975))


def main() -> None:
    opens, out = opened(__doc__)
    runs = [past(list(begun(LogReader(run.path / LOG).events()))) for run in opens]
    figure, axes = panels("Own score, clade, and what came of it", 1, 3, 11, 4.0, width_ratios=[1, 1, 1.1])
    score, clade, rows = axes[0]
    for place, one in ((score, "own"), (clade, "clade")):
        for number, (points, name) in enumerate(zip(runs, names(opens), strict=True)):
            x, y = [point.scores[one] for point in points], [point.target for point in points]
            sizes = [8 + 4 * point.evaluations**0.5 for point in points]
            colour = COLOURS[number % len(COLOURS)]
            place.scatter(x, y, sizes, color=colour, alpha=0.6, edgecolors="w", linewidths=0.4, label=name)
        place.plot([0, 1], [0, 1], color="#bbbbbb", linewidth=0.8, zorder=0)
        place.set(xlim=(-0.03, 1.03), ylim=(-0.03, 1.03))
        place.xaxis.set_major_formatter(SHARES)
        place.yaxis.set_major_formatter(SHARES)
    score.set(xlabel="own score", ylabel="mean of its best descendant")
    clade.set_xlabel("clade estimate, without itself\nand the branch of that descendant")
    if len(opens) > 1:
        score.legend(loc="lower right")
    for row, estimator in enumerate(ESTIMATORS):
        for weighted, shift, fill in ((True, -0.13, INK), (False, 0.13, "w")):
            mean, low, high = estimate(runs, estimator.name, weighted)
            rows.hlines(row + shift, low, high, color=INK, linewidth=1.3)
            label = ("weighted by evaluations" if weighted else "unweighted") if not row else None
            rows.plot(mean, row + shift, "o", color=INK, markerfacecolor=fill, markersize=6, label=label)
    if max(map(len, runs)) < LEAST:
        nothing(rows, f"fewer than {LEAST} agents\nwith enough descendants")
    rows.axvline(0, color="#999999", linewidth=0.9)
    rows.set(xlim=(-1.05, 1.05), ylim=(len(ESTIMATORS) - 0.4, -0.6), xlabel="correlation, with 95 % interval")
    rows.set_yticks(range(len(ESTIMATORS)), [NAMES.get(one.name, one.name) for one in ESTIMATORS])
    rows.legend(loc="upper center", bbox_to_anchor=(0.4, 1.12), ncols=2)
    where = "over runs, by Student's t" if len(runs) > 1 else "by a bootstrap over agents, which are kin: too narrow"
    early = f", of the first {MOST} of a run" if any(len(run.tree.agents) > MOST for run in opens) else ""
    words = (
        f"Agents with descendants enough: {sum(map(len, runs))}{early}; dots grow with the evaluations in their clades"
    )
    save(figure, out, f"{words}. Intervals: {where}.", opens)


if __name__ == "__main__":
    main()
