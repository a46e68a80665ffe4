"""What a choice costs in large trees, beside clade sums that are recomputed for each choice: makes `choosing.md`.

usage: python analysis/choosing.py [--agents 100,1000,10000] [--results 10,100] [--out FILE]

Each choice is followed by its outcome, so that the next one meets a changed tree; the time is that of the choice alone.
HGM evaluates and expands in turn. Race has no turn for newborn agents here, which takes a fraction of the time.
"""

import argparse
import os
import platform
import time
from collections.abc import Callable
from math import isqrt
from pathlib import Path
from random import Random
from statistics import median

import numpy as np

from dgm import __version__
from dgm.clade import Agent
from dgm.config import PolicyConfig
from dgm.events import AgentBorn, JobStarted, RunConfigured, TaskScored
from dgm.jobs import Evaluate, Expand, Job, Usage
from dgm.machine import stream
from dgm.policies.choosing import Policy
from dgm.policies.hgm import HGM
from dgm.policies.race import Race
from dgm.tree import Tree

BUDGET = 10**9
SHAPES: dict[str, Callable[[int], int]] = {"wide": lambda born: born, "deep": lambda born: 2 * isqrt(born)}
"""A parent is one of so many latest agents: races of 1,400 agents were as deep as the latter makes them."""


class Both:
    """HGM's two kinds of choices in turn, whatever its schedule would say of a tree of this width."""

    def __init__(self) -> None:
        self.evaluates, self.expands = (
            HGM(BUDGET, PolicyConfig(seed_evaluations=0, warm_start=0, alpha=alpha)) for alpha in (0.0, 1.0)
        )

    def __call__(self, tree: Tree, rng: np.random.Generator) -> Job | None:
        return (self.evaluates if tree.length % 4 < 2 else self.expands)(tree, rng)


class Naive:
    """Not a policy to use: it walks through all descendants of each agent for each choice, as the released code of HGM
    does, without its aliasing, and takes the best of draws from Beta(1 + S, 1 + F)."""

    def __call__(self, tree: Tree, rng: np.random.Generator) -> Job | None:
        best, top = None, -1.0
        for agent in tree.agents.values():
            results = self.results(agent)
            draw = rng.beta(1 + sum(results), 1 + len(results) - sum(results))
            if draw > top:
                best, top = agent, draw
        return Expand(best.id) if best else None

    def results(self, agent: Agent) -> list[bool]:
        found = list(agent.results.values())
        for child in agent.children:
            found += self.results(child)
        return found


def grown(agents: int, results: int, reach: Callable[[int], int]) -> Tree:
    """A tree in which each agent has that many results."""
    rng = Random(1)
    tasks = tuple(f"starter/task-{n:03}" for n in range(2 * results))
    tree = Tree([RunConfigured(1.0, "0", {}, tasks, "v")])
    usage = Usage(0.1, 3, 4000, 1000, 20.5)
    ids = [f"{number:040x}" for number in range(agents)]
    for number, id in enumerate(ids):
        if number:
            parent = ids[number - rng.randint(1, min(number, reach(number)))]
            tree.apply(JobStarted(1.0, tree.next_job, Expand(parent)))
            tree.apply(AgentBorn(1.0, id, id, parent, tree.next_job - 1, "", usage))
        else:
            tree.apply(AgentBorn(1.0, id, id))
        for task in rng.sample(tasks, results):
            tree.apply(JobStarted(1.0, tree.next_job, Evaluate(id, task)))
            tree.apply(TaskScored(1.0, tree.next_job - 1, rng.random() < 0.4, usage))
    return tree


def timed(policy: Policy, tree: Tree, times: int) -> list[tuple[float, Job]]:
    """Milliseconds of each of so many choices."""
    rng, costs = Random(2), []
    for _ in range(times):
        random = stream(0, tree)
        begun = time.perf_counter()
        job = policy(tree, random)
        took = 1000 * (time.perf_counter() - begun)
        assert job is not None
        costs.append((took, job))
        tree.apply(JobStarted(1.0, tree.next_job, job))
        if isinstance(job, Evaluate):
            tree.apply(TaskScored(1.0, tree.next_job - 1, rng.random() < 0.4, Usage(0.1)))
        else:
            child = f"{len(tree.agents):040x}"
            tree.apply(AgentBorn(1.0, child, child, job.agent, tree.next_job - 1, "", Usage(0.5)))
    return costs


def row(shape: str, agents: int, results: int, times: int) -> str:
    tree = grown(agents, results, SHAPES[shape])
    depth = max(agent.depth for agent in tree.agents.values())
    both = timed(Both(), tree, times)[1:]
    (first, _), *race = timed(Race(BUDGET, PolicyConfig(seed_evaluations=0), newborn=0), tree, times)
    naive = timed(Naive(), tree, max(1, min(5, 10**7 // (agents * results * depth))))
    cells = [
        *(shape, f"{agents:,}", str(results), str(depth)),
        *(f"{median(ms for ms, job in both if isinstance(job, kind)):.2f}" for kind in (Evaluate, Expand)),
        *(f"{median(ms for ms, _ in race):.2f}", f"{max(ms for ms, _ in race):.1f}", f"{first:,.0f}"),
        f"{median(ms for ms, _ in naive):,.0f}",
    ]
    return f"| {' | '.join(cells)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--agents", default="100,1000,10000")
    parser.add_argument("--results", default="10,100", help="of each agent")
    parser.add_argument("--times", type=int, default=200, help="choices a policy")
    parser.add_argument("--out", type=Path, default=Path(__file__).with_suffix(".md"))
    options = parser.parse_args()
    lines = [
        "# What a choice costs\n",
        f"Made by `python analysis/choosing.py` on {time.strftime('%Y-%m-%d', time.gmtime())}, dgm {__version__}, "
        f"Python {platform.python_version()}, NumPy {np.__version__}, {os.cpu_count()} cores.",
        "Milliseconds, medians of many choices in a row; of race also the worst, and its first, which reads the whole "
        "tree.\nNaive: walks through all descendants of each agent for each choice.\n",
        "| tree | agents | results each | depth | hgm evaluates | hgm expands | race | worst | first | naive |",
        f"|---|{'--:|' * 9}",
    ]
    row("wide", 9, 9, 9)  # so that nothing is imported later
    print("\n".join(lines), flush=True)
    for agents in map(int, options.agents.split(",")):
        for results in map(int, options.results.split(",")):
            for shape in SHAPES:
                lines.append(row(shape, agents, results, options.times))
                print(lines[-1], flush=True)
    options.out.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
