"""Who leads a run, after each of its evaluations: the agent with HGM's best belief."""

from heapq import heappop, heappush

import numpy as np
import pandas as pd
from drawing import rate_interval
from scipy.special import betaincinv

from dgm.opened import OpenedRun


def led(run: OpenedRun) -> pd.DataFrame:
    """A row an evaluation: of the agent with the highest epsilon-quantile of Beta(1 + solved, 1 + failed) by then
    (`belief`) its `solved` and `failed`, `rate`, and 90 % interval (`low`, `high`); of all evaluations so far the
    solved share (`mean`), with `mean_low` and `mean_high`; and the run's `usd`, `tokens` and `hours` by then."""
    results, epsilon = run.results, run.tree.epsilon
    tallies: dict[str, tuple[int, int]] = {}
    beliefs: dict[tuple[int, int], float] = {}
    heap: list[tuple[float, str, tuple[int, int]]] = []
    rows = []
    for agent, solved in zip(results["agent"], results["solved"], strict=True):
        before = tallies.get(agent, (0, 0))
        tally = tallies[agent] = (before[0] + solved, before[1] + (not solved))
        if tally not in beliefs:
            beliefs[tally] = float(betaincinv(1 + tally[0], 1 + tally[1], epsilon))
        heappush(heap, (-beliefs[tally], agent, tally))
        while tallies[heap[0][1]] != heap[0][2]:
            heappop(heap)
        rows.append((-heap[0][0], *heap[0][2]))
    frame = pd.DataFrame(rows, columns=["belief", "solved", "failed"], dtype="float64")
    frame["rate"] = frame["solved"] / (frame["solved"] + frame["failed"])
    frame["low"], frame["high"] = rate_interval(frame["solved"], frame["failed"])
    right = results["solved"].cumsum().to_numpy(dtype=float)
    tried = np.arange(1, len(results) + 1)
    frame["mean"] = right / tried
    frame["mean_low"], frame["mean_high"] = rate_interval(right, tried - right)
    costs = run.costs
    costs["tokens"] = (costs["tokens_in"] + costs["tokens_out"]).cumsum()
    scored = costs[costs["outcome"].isin(["solved", "unsolved"])].reset_index(drop=True)
    return frame.assign(usd=scored["usd_total"], tokens=scored["tokens"], hours=scored["hours"])
