"""What is said of search policies in `analysis/search/`, tables and figures: made by this command alone, by simulation.

usage: python analysis/search.py [STAGE ...] [--ours NAME] [--variants NAME,...] [--seeds 4000..4199] [--list]

Trials are kept in `archive/search`, so that the same command goes on where it was ended. Seeds 0 to 999 and the random
families 0 to 99 are for tuning policies; 4000 and up, and 200 and up, are for reporting, and nothing was tuned on them.
"""

import argparse
import os
import time
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from dgm import __version__
from dgm.cli.simulating import Progress, Wanted, read_grid
from dgm.config import PolicyConfig
from dgm.simulation import figures, layout, pages, tables
from dgm.simulation.grid import Grid, gather
from dgm.simulation.sources import digest

AGAINST = "hgm"
TUNING_SEEDS, TUNING_FAMILIES = range(4000), range(200)
"""What was tuned on, or looked at while there was still something to decide."""


TUNED = "**These include seeds or families that policies were tuned on, or that were seen before: not for reporting.**"
FRESH = """\
Nothing was tuned on these seeds and families drawn, nor were they looked at before: tuning took seeds 0 to 999 and
random families 0 to 99; seeds 1000 to 3999 and random families 100 to 199 were seen in between."""
SIMULATED = """\
All of it is simulation: worlds with known truth under the real loop, tree and policies. No agent was run. B is the
budget in evaluations that hgm makes, k the cost of an expansion in evaluations, and every policy may spend B + k B^0.6
in all. Policies meet the same worlds.
"""


class Stage(Struct, frozen=True):
    """`wanted.policies`: `OURS` and `VARIANTS` stand for what the options name. `seeds`: how many of them at most."""

    title: str
    wanted: Wanted
    seeds: int = 10**9
    whole: bool = False
    """Whether all tables and figures of its one setting are wanted; else those over settings."""


def wanted(policies: str, families: str, budget: str = "800", k: str = "5", slots: str = "1") -> Wanted:
    return Wanted(policies, families, "", budget, k, slots, 60, AGAINST)


STAGES = {
    "published": Stage("All policies on the named families", wanted("all", "all"), whole=True),
    "drawn": Stage("All policies on families drawn at random", wanted("all", "random-200..259"), seeds=10, whole=True),
    "settings": Stage("Budgets, prices and slots", wanted("OURS", "all", "800,1600", "1,5,20", "1,20,200")),
    "settings-drawn": Stage(
        "Budgets, prices and slots on families drawn at random",
        wanted("OURS", "random-200..259", "800,1600", "1,5,20", "1,20,200"),
        seeds=10,
    ),
    "ablation": Stage("Ablation of ours", wanted("OURS,VARIANTS", "all"), whole=True),
}


def main() -> None:
    options = parsed()
    if options.list:
        for name, stage in STAGES.items():
            grid = grid_of(stage, options)
            print(f"{name:<15} {len(grid):>8,} trials  {stage.title}")
        return
    options.out.mkdir(parents=True, exist_ok=True)
    for name in options.stages or STAGES:
        stage = STAGES[name]
        print(f"== {name}: {stage.title}", flush=True)
        grid = grid_of(stage, options)
        rows = gather(grid, options.trials, options.jobs, True, options.afresh, Progress(len(grid)))
        cells = tables.cells(grid, rows, AGAINST)
        report(name, stage, grid, cells, options.out)


def report(name: str, stage: Stage, grid: Grid, cells: list[tables.Cell], folder: Path) -> None:
    reaches = tables.reaches(cells, AGAINST) if len(grid.budgets) > 1 else []
    if stage.whole:
        made = [*pages.tables(cells, reaches, AGAINST)]
        pictures = figures.of_setting(cells, AGAINST)
    else:
        made = [*pages.overall(cells, reaches, AGAINST), *pages.by_setting(cells, AGAINST)]
        pictures = figures.overall(cells, AGAINST)
    drawn = figures.save({f"{name}-{kind}": figure for kind, figure in pictures.items()}, folder)
    parts = [
        *head(name, stage, grid),
        *(f"![{path.stem}]({path.name})\n" for path in drawn),
        *map(layout.markdown, made),
    ]
    (folder / f"{name}.md").write_text("\n".join(parts), encoding="utf-8")
    (folder / f"{name}.csv").write_text(layout.comma_separated(layout.shown(cells)), encoding="utf-8")
    print(f"{folder / name}.md, .csv, {len(drawn)} figures", flush=True)


def head(name: str, stage: Stage, grid: Grid) -> Iterator[str]:
    """What a reader has to know: when, from what, on which seeds."""
    random = [int(family.partition("-")[2]) for family in grid.families if family.startswith("random-")]
    tuned = grid.seeds[0] in TUNING_SEEDS or any(number in TUNING_FAMILIES for number in random)
    codes = ", ".join(f"{policy} {digest(policy, grid.families[0])}" for policy in grid.policies)
    today = time.strftime("%Y-%m-%d", time.gmtime())
    yield f"# {stage.title}\n"
    yield f"Made by `python analysis/search.py {name}` on {today}, dgm {__version__}."
    yield f"{len(grid):,} trials: seeds {grid.seeds[0]} to {grid.seeds[-1]}, families {spanned(grid.families)}."
    yield TUNED if tuned else FRESH
    yield f"Code: {codes}. The reference is `{AGAINST}`.\n"
    yield SIMULATED


def spanned(families: tuple[str, ...]) -> str:
    random = [family for family in families if family.startswith("random-")]
    named = [family for family in families if family not in random]
    return ", ".join([*named, *([f"{random[0]} to {random[-1]}"] if random else [])])


def grid_of(stage: Stage, options: argparse.Namespace) -> Grid:
    names = stage.wanted.policies.replace("OURS", options.ours).replace("VARIANTS", options.variants)
    policies = ",".join(dict.fromkeys(name for name in (AGAINST, *names.split(",")) if name))
    grid = read_grid(replace(stage.wanted, policies=policies, seeds=options.seeds))
    return replace(grid, seeds=grid.seeds[: stage.seeds])


def parsed() -> argparse.Namespace:
    ours = PolicyConfig().name
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("stages", nargs="*", metavar="STAGE", help=", ".join(STAGES))
    parser.add_argument("--ours", default=ours, help=f"policies to compare with {AGAINST}; default: {ours}")
    parser.add_argument("--variants", default="", help="what else the ablation compares")
    parser.add_argument("--seeds", default="4000..4199")
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--trials", type=Path, default=Path("archive/search"), help="where trials are kept")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "search")
    parser.add_argument("--afresh", action="store_true", help="run those trials anew that other code has left")
    parser.add_argument("--list", action="store_true", help="print the stages and how large they are")
    options = parser.parse_args()
    missing = [name for name in options.stages if name not in STAGES]
    if missing:
        parser.error(f"no such stage: {missing[0]}; there are {', '.join(STAGES)}")
    return options


if __name__ == "__main__":
    main()
