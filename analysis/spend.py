"""What a run was spent on: by the role in which the model was called, and by what the jobs came to; in dollars, or in
tokens where calls are free.

usage: python analysis/spend.py ARCHIVE [ARCHIVE...] --out FILE
"""

import pandas as pd
from drawing import COLOURS, GREY, money, names, opened, panels, save

from dgm.opened import OpenedRun

ROLES = {
    "solve": "solve: attempts at tasks",
    "improve": "improve: writing children",
    "diagnose": "diagnose: what to improve",
    "": "in no transcript",
}
ENDS = {
    "scored": "scores",
    "born": "children",
    "stillborn": "children that did not live",
    "spoiled": "jobs that the environment spoiled",
}


def spent(run: OpenedRun, column: str) -> tuple[pd.Series, pd.Series]:
    """By role and by end. Exact: these are sums over all jobs, no estimates."""
    costs, said = run.costs, run.conversations()
    said = said[~said["cached"]]
    if column == "tokens":
        costs["tokens"] = costs["tokens_in"] + costs["tokens_out"]
        said = said.assign(tokens=said["tokens_in"] + said["tokens_out"])
    roles = said.groupby("role")[column].sum()
    roles[""] = max(costs[column].sum() - roles.sum(), 0)
    ends = costs["outcome"].replace({"solved": "scored", "unsolved": "scored"})
    return roles, costs.groupby(ends.where(ends.isin(ENDS), "spoiled"))[column].sum()


def main() -> None:
    runs, out = opened(__doc__)
    column, unit, scale = money(runs)
    figure, axes = panels("Where the budget went", 1, 2, 11, 2.4 + 0.45 * len(runs), sharey=True)
    found = [spent(run, column) for run in runs]
    titles = ("by the model's role", "by what it came to")
    palettes = ((*COLOURS[:3], GREY), (*COLOURS[3:6], GREY))
    for side, (place, words, title) in enumerate(zip(axes[0], (ROLES, ENDS), titles, strict=True)):
        for row, parts in enumerate(pair[side] for pair in found):
            begin = 0.0
            for colour, part in zip(palettes[side], words, strict=True):
                value = parts.get(part, 0) / scale
                whole = parts.sum() / scale
                place.barh(row, value, 0.62, begin, color=colour, label=None if row else words[part])
                if whole and value / whole > 0.06:
                    text = f"{value / whole:.0%}"
                    place.text(begin + value / 2, row, text, ha="center", va="center", color="w", fontsize=8)
                begin += value
            if not begin:
                place.text(0, row, "  nothing yet", va="center", color=GREY)
        place.set_xlabel(unit)
        place.grid(axis="y", visible=False)
        place.set_yticks(range(len(runs)), names(runs))
        place.set_ylim(len(runs) - 0.4, -0.6)
        place.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, title=title, alignment="left", title_fontsize=10)
    save(figure, out, "Sums over all jobs that have ended: exact, no estimates.", runs)


if __name__ == "__main__":
    main()
