"""Which agents of a tree to show, and what a line about each says.

Invariant: whatever is left out is counted at the nearest agent above it that is shown, so that no agent is lost.
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Literal

from msgspec import Struct
from msgspec.structs import asdict

from dgm import belief
from dgm.clade import Agent
from dgm.report import AgentRow, Tally, row
from dgm.tree import Tree

Standing = Literal["new", "running", "evaluated", "barren", "exhausted"]
"""What may still happen to an agent.

new        it has no score yet, and none is on its way
running    a job about it is under way
evaluated  it has scores, and may be expanded
barren     too many expansions of it failed in a row, or they may pass its cap: it will have no more children
exhausted  barren, and there is no task left to try it on either
"""
STANDINGS: tuple[Standing, ...] = ("new", "running", "evaluated", "barren", "exhausted")


FEW = 4
"""So many ancestors may come with an agent that is shown; of more, none does."""


class TreeRow(AgentRow, frozen=True):
    """An agent in its tree. `low`, `high`: 90 % interval of its score; `metaproductivity`: solved per evaluation in its
    clade, HGM's estimate of it (arXiv 2510.21614, section 3), None before the first; `failed_expansions`: all of them,
    not only the last ones in a row; `best_path`: whether the best agent descends from it, or is it."""

    low: float
    high: float
    metaproductivity: float | None
    status: Standing
    failed_expansions: int
    best_path: bool


class Fold(Struct):
    """Agents that are not shown: how many, and the one that most is believed of."""

    agents: int = 0
    best: Agent | None = None


def standing(tree: Tree, agent: Agent) -> Standing:
    if agent.expanding or agent._evaluating:
        return "running"
    if agent.barren >= tree.patience or tree.capped(agent):
        return "barren" if not tree.capped(agent) and tree.untried(agent) else "exhausted"
    return "evaluated" if agent.evaluations else "new"


def rows(tree: Tree, agents: Iterable[Agent], leader: Agent | None, failed: Callable[[str], int]) -> Iterator[TreeRow]:
    """`failed`: how many expansions of an agent failed."""
    path = {one.index for one in leader.upwards()} if leader else set()
    for agent in agents:
        tally = Tally.of(agent.solved, agent.failed)
        yield TreeRow(
            **asdict(row(agent, leader)),
            low=tally.low,
            high=tally.high,
            metaproductivity=metaproductivity(agent),
            status=standing(tree, agent),
            failed_expansions=failed(agent.id),
            best_path=agent.index in path,
        )


def metaproductivity(agent: Agent) -> float | None:
    """Solved per evaluation in the clade of `agent`; None before the first."""
    tried = agent.clade_solved + agent.clade_failed
    return agent.clade_solved / tried if tried else None


# ---------------------------------------------------------------- what to show


def matching(
    tree: Tree, depth: int | None, least: float | None, statuses: Collection[Standing], top: set[int] | None = None
) -> set[int]:
    """The agents, by index, that are no deeper than `depth`, score at least `least`, have one of `statuses` and are
    among `top`; what is not given does not restrict."""
    return {
        agent.index
        for agent in tree.agents.values()
        if (depth is None or agent.depth <= depth)
        and (top is None or agent.index in top)
        and (least is None or (agent.rate is not None and agent.rate >= least))
        and (not statuses or standing(tree, agent) in statuses)
    }


def ranked(tree: Tree, epsilon: float) -> list[Agent]:
    """All agents, those with the highest epsilon-quantiles first."""
    known: dict[tuple[int, int], float] = {}
    for agent in tree.agents.values():
        tally = (agent.solved, agent.failed)
        if tally not in known:
            known[tally] = belief.quantile(*tally, epsilon) if agent.evaluations else 0.0
    return sorted(tree.agents.values(), key=lambda agent: (-known[agent.solved, agent.failed], agent.index))


def strongest(tree: Tree, epsilon: float, number: int) -> set[int]:
    """The `number` agents with the highest epsilon-quantiles, and all their ancestors."""
    chosen: set[int] = set()
    for agent in ranked(tree, epsilon)[:number]:
        chosen.update(_missing(agent, chosen))
    return chosen


def interesting(tree: Tree, leader: Agent | None, most: int) -> set[int]:
    """`most` agents that tell what happened: the first seeds, the path to the leader, what runs, and the strongest.

    Agents come with their ancestors where these are few; of a path that is too long, the middle is left out.
    """
    chosen = {seed.index for seed in tree.seeds[: max(most // 8, 1)]}
    if leader is not None:
        path = leader.lineage()
        room = max(most // 2, 2)
        chosen.update(one.index for one in (path if len(path) <= room else path[: room // 4] + path[-room * 3 // 4 :]))
    busy = dict.fromkeys(started.job.agent for started in [*tree.running.values()][::-1])
    for agent in [*(tree.agents[id] for id in [*busy][: most // 8]), *ranked(tree, tree.epsilon)]:
        left = most - len(chosen)
        if left <= 0:
            break
        missing = list(_missing(agent, chosen, FEW + 2))
        chosen.update(missing if len(missing) <= min(left, FEW + 1) else missing[:1])
    return chosen


def _missing(agent: Agent, chosen: set[int], most: int | None = None) -> Iterator[int]:
    """`agent` and its ancestors as far as the first that is chosen, at most `most` of them."""
    for number, one in enumerate(agent.upwards()):
        if one.index in chosen or number == most:
            return
        yield one.index


def placed(tree: Tree, shown: Collection[int]) -> tuple[dict[int, list[Agent]], dict[int, Fold]]:
    """The shown agents, each below the nearest one above it that is shown, and what each one hides.

    Keys are indices; -1 stands above the seeds.
    """
    above = [-1] * len(tree.agents)
    children: dict[int, list[Agent]] = {}
    folds: dict[int, Fold] = {}
    for agent in tree.agents.values():
        if (parent := agent.parent) is not None:
            above[agent.index] = parent.index if parent.index in shown else above[parent.index]
        place = above[agent.index]
        if agent.index in shown:
            children.setdefault(place, []).append(agent)
            continue
        fold = folds.setdefault(place, Fold())
        fold.agents += 1
        if agent.evaluations and (fold.best is None or _belief(tree, agent) > _belief(tree, fold.best)):
            fold.best = agent
    return children, folds


def _belief(tree: Tree, agent: Agent) -> float:
    return belief.quantile(agent.solved, agent.failed, tree.epsilon)
