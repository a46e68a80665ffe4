"""What the agent with the best belief surely solves, with its 90 % interval, as a run goes on: by evaluation, by dollar
(or token, where calls are free) and by hour; beside it the share of all evaluations so far that were solved.

usage: python analysis/progress.py ARCHIVE [ARCHIVE...] --out FILE
"""

from drawing import COLOURS, GREY, SHARES, money, names, nothing, opened, panels, save
from leader import led


def main() -> None:
    runs, out = opened(__doc__)
    column, unit, scale = money(runs)
    frames = [led(run) for run in runs]
    longest = max((frame["hours"].max() for frame in frames if len(frame)), default=1.0)
    clock, spell = (1.0, "hours") if longest > 2 else (1 / 60, "minutes")
    height = 1.3 + 2.5 * len(runs)
    figure, axes = panels("Progress", len(runs), 3, 11, height, sharey=True, sharex="col")
    for line, frame, name in zip(axes, frames, names(runs), strict=True):
        line[0].set_ylabel("share of tasks solved")
        line[0].set_title(name if len(runs) > 1 else "", fontsize=9)
        for place, x in zip(line, (frame.index + 1, frame[column] / scale, frame["hours"] / clock), strict=True):
            look = {"linewidth": 0, "step": "post"}
            place.fill_between(
                x, frame["low"], frame["high"], color=COLOURS[0], alpha=0.16, label="leader, 90 % interval", **look
            )
            place.step(x, frame["belief"], where="post", color=COLOURS[0], linewidth=1.5, label="leader, at least")
            place.fill_between(x, frame["mean_low"], frame["mean_high"], color=GREY, alpha=0.35, **look)
            place.step(
                x, frame["mean"], "--", where="post", color="#555555", linewidth=1, label="all evaluations so far"
            )
            if frame.empty:
                nothing(place, "no evaluations yet")
    for place, label in zip(axes[-1], ("evaluations", unit, f"{spell} since the start"), strict=True):
        place.set_xlabel(label)
        place.margins(x=0)
        place.set_xlim(left=0)
    axes[0, 0].set_ylim(0, 1)
    axes[0, 0].yaxis.set_major_formatter(SHARES)
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper right", ncols=3)
    save(
        figure,
        out,
        "Leader: the agent with the best belief by then, the epsilon-quantile of Beta(1 + solved, 1 + failed): the "
        "line. Bands: 90 % intervals by the same. The best of many looks better than it is, and falls back as it "
        "is tried on more tasks: only new tasks can tell how good it is.",
        runs,
    )


if __name__ == "__main__":
    main()
