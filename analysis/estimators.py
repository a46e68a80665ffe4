"""How well estimators of metaproductivity foretell what grows from an agent: a table by family, as Markdown.

usage: python analysis/estimators.py [--policy hgm] [--families hgm,rugged] [--seeds 3000..3024] [--budget 800]
                                     [--also package.module.function]

`--also`: a function that gives a number for each agent that it can judge: (Tree) -> {agent: number}; repeatable.
"""

import argparse
import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from importlib import import_module
from math import isfinite
from typing import cast

from dgm import __version__
from dgm.simulation.estimators import ESTIMATORS, Correlations, Estimator, Scores, correlations, grown
from dgm.simulation.families import NAMED
from dgm.simulation.intervals import of_values
from dgm.simulation.layout import Table, markdown, pm
from dgm.simulation.trial import Trial
from dgm.tree import Tree

MEASURES: dict[str, Callable[[Correlations], float]] = {
    "Appendix D, weighted": lambda one: one.weighted,
    "Appendix D": lambda one: one.unweighted,
    "true future": lambda one: one.future,
}


def named(path: str) -> Estimator:
    module, _, name = path.rpartition(".")
    return Estimator(name, cast(Callable[[Tree], Scores], getattr(import_module(module), name)))


def measured(trial: Trial, also: Sequence[str]) -> list[Correlations]:
    from numpy.random import default_rng

    world, events = grown(trial)
    return correlations(events, world, default_rng([trial.seed, 12]), (*ESTIMATORS, *map(named, also)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--policy", default="hgm")
    parser.add_argument("--families", default=",".join(family.name for family in NAMED))
    parser.add_argument("--seeds", default="3000..3024")
    parser.add_argument("--budget", type=int, default=800)
    parser.add_argument("--also", action="append", default=[])
    options = parser.parse_args()
    first, _, last = options.seeds.partition("..")
    seeds = range(int(first), int(last or first) + 1)
    families = options.families.split(",")
    names = [one.name for one in (*ESTIMATORS, *map(named, options.also))]
    trials = [Trial(options.policy, family, seed, options.budget) for family in families for seed in seeds]
    began = time.monotonic()
    with ProcessPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        found = list(pool.map(measured, trials, [options.also] * len(trials)))
    rows = []
    for number, family in enumerate(families):
        runs = found[number * len(seeds) : (number + 1) * len(seeds)]
        row = [family]
        for measure in MEASURES.values():
            for name in names:
                values = [measure(one) for run in runs for one in run if one.estimator == name]
                row.append(pm(of_values([value for value in values if isfinite(value)])))
        rows.append(tuple(row))
    head = ("family", *(f"{measure}: {name}" for measure in MEASURES for name in names))
    remark = (
        f"Pearson's correlation, mean over trees with 95 % intervals. {options.policy}, {options.budget} evaluations, "
        f"seeds {options.seeds}; version {__version__}, {time.strftime('%Y-%m-%d')}, {time.monotonic() - began:.0f} s."
    )
    print(markdown(Table("Estimators of metaproductivity", remark, head, tuple(rows))))


if __name__ == "__main__":
    main()
