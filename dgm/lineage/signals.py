"""How a search is doing: what children keep and fix of their parents' tasks, how different they are, and how well
scores tell agents apart.

Invariant: a function of the tree alone, linear in its results, without numerical libraries. What is pooled over edges
is one attempt a task, so part of every change is luck; `strangers` says how much two agents at random differ.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from math import sqrt
from statistics import median

from msgspec import Struct

from dgm.clade import Agent
from dgm.jobs import TaskId
from dgm.statistics import wilson
from dgm.tree import Tree

PARTS = 5
"""Parts of equal size that a run is cut into."""
SAMPLE = 12
"""Children of a group whose sources are compared with their parents', since reading these takes time."""
TRUSTED = 0.7
"""A reliability at which scores are usually said to rank (Nunnally, Psychometric Theory, 1978)."""


class Share(Struct, frozen=True):
    """`count` of `total`, with the 95 % Wilson interval of the rate."""

    count: int
    total: int
    low: float
    high: float

    @classmethod
    def of(cls, count: int, total: int) -> "Share":
        return cls(count, total, *wilson(count, total))

    @property
    def rate(self) -> float | None:
        return self.count / self.total if self.total else None


class Edges(Struct, frozen=True):
    """Parents and children on the tasks that both were tried on, pooled over edges.

    `kept_right`: of the tasks that the parent solved, those that the child solves too; `fixed_wrong`: of those that
    the parent failed, those that the child solves; `differing`: all whose outcomes differ; `strangers`: the share that
    would differ if the two agents were picked at random among all that tried these tasks; `lines`: the median number
    of lines that a child has added and removed, from up to 12 children, None where sources were not looked at.
    """

    name: str
    children: int
    shared: int
    kept_right: Share
    fixed_wrong: Share
    differing: Share
    strangers: float | None
    lines: float | None


class Discrimination(Struct, frozen=True):
    """How well scores separate the agents, after so many evaluations. Shares of variance, None where undefined.

    `correlation`: the part of an outcome's variance that lies between agents, beyond binomial noise: the analysis-of-
    variance estimate for binary outcomes (Ridout, Demetrio and Firth, Biometrics 55, 1999), `low` to `high` its 95 %
    interval by the jackknife over agents. `reliability`: the same for the score of an agent with the mean number of
    evaluations (the Spearman-Brown formula): the expected correlation of two such scores; `needed`: evaluations an
    agent for a reliability of 0.7.
    """

    evaluations: int
    agents: int
    each: float
    correlation: float | None
    low: float | None
    high: float | None
    reliability: float | None
    needed: int | None


class Signals(Struct, frozen=True):
    """`edges`: all of them; `by_depth`: by the child's depth; `by_birth`: by when the child was born."""

    edges: Edges
    by_depth: tuple[Edges, ...]
    by_birth: tuple[Edges, ...]
    discrimination: tuple[Discrimination, ...]


Distance = Callable[[Agent], int | None]
"""Lines by which the source of a child differs from its parent's; None where that cannot be known."""


def signals(tree: Tree, parts: int = PARTS, distance: Distance = lambda child: None) -> Signals:
    children = [agent for agent in tree.agents.values() if agent.parent is not None]
    odds = strangeness(tree.agents.values())
    return Signals(
        edges=edges("all", children, odds, distance),
        by_depth=tuple(edges(name, group, odds, distance) for name, group in depths(children)),
        by_birth=tuple(edges(name, group, odds, distance) for name, group in births(children, parts)),
        discrimination=tuple(discriminations(tree, parts)),
    )


# ---------------------------------------------------------------- edges


def edges(name: str, children: Sequence[Agent], odds: dict[TaskId, float], distance: Distance) -> Edges:
    """`odds`: how likely two agents at random differ on a task."""
    pairs: Counter[tuple[bool, bool]] = Counter()
    expected = 0.0
    for child in children:
        assert child.parent is not None
        before = child.parent._results
        for task, solved in child._results.items():
            if task in before:
                pairs[before[task], solved] += 1
                expected += odds.get(task, 0.0)
    kept, lost, fixed = pairs[True, True], pairs[True, False], pairs[False, True]
    shared = pairs.total()
    return Edges(
        name=name,
        children=len(children),
        shared=shared,
        kept_right=Share.of(kept, kept + lost),
        fixed_wrong=Share.of(fixed, shared - kept - lost),
        differing=Share.of(fixed + lost, shared),
        strangers=expected / shared if shared else None,
        lines=median(lines)
        if (lines := [one for child in sampled(children) if (one := distance(child)) is not None])
        else None,
    )


def sampled(children: Sequence[Agent]) -> list[Agent]:
    """Up to `SAMPLE` of them, evenly spread."""
    number = min(len(children), SAMPLE)
    return [children[(2 * n + 1) * len(children) // (2 * number)] for n in range(number)]


def strangeness(agents: Iterable[Agent]) -> dict[TaskId, float]:
    """For each task: the chance that two different agents that tried it, picked at random, differ on it."""
    tried: Counter[TaskId] = Counter()
    solved: Counter[TaskId] = Counter()
    for agent in agents:
        tried.update(agent._results.keys())
        solved.update(task for task, one in agent._results.items() if one)
    return {
        task: 2 * solved[task] * (number - solved[task]) / (number * (number - 1))
        for task, number in tried.items()
        if number > 1
    }


def depths(children: Sequence[Agent]) -> Iterator[tuple[str, list[Agent]]]:
    """Depths 1, 2, 3-4, 5-8 and so on, those that there are."""
    groups: dict[int, list[Agent]] = {}
    for child in children:
        groups.setdefault((child.depth - 1).bit_length(), []).append(child)
    for power, group in sorted(groups.items()):
        first, last = 2**power // 2 + 1 if power else 1, 2**power
        yield (f"depth {first}" if first == last else f"depth {first}-{last}"), group


def births(children: Sequence[Agent], parts: int) -> Iterator[tuple[str, list[Agent]]]:
    """The first children, the next ones and so on, in `parts` of equal size."""
    for part in range(parts):
        first, last = len(children) * part // parts, len(children) * (part + 1) // parts
        if first < last:
            yield f"child {first + 1}-{last}", list(children[first:last])


# ---------------------------------------------------------------- discrimination


def discriminations(tree: Tree, parts: int) -> Iterator[Discrimination]:
    """As it stood after each of `parts` parts of the evaluations; of an imported run, of unknown order, once."""
    parts = 1 if "imported" in tree.config else parts
    tallies: dict[int, list[int]] = {}
    marks = {tree.evaluations * part // parts for part in range(1, parts + 1)}
    for number, (agent, solved) in enumerate(arrivals(tree), 1):
        tally = tallies.setdefault(agent, [0, 0])
        tally[0] += solved
        tally[1] += 1
        if number in marks:
            yield discrimination([(one, all) for one, all in tallies.values()])


def arrivals(tree: Tree) -> Iterator[tuple[int, bool]]:
    """Each result as it came in: the agent's index, and whether it solved the task."""
    results = [iter(agent._results.values()) for agent in tree.agents.values()]
    for index in tree.arrivals:
        yield index, next(results[index])


def discrimination(tallies: Sequence[tuple[int, int]]) -> Discrimination:
    """tallies: (solved, evaluated) of the agents that have been evaluated."""
    number, total = len(tallies), sum(tried for _, tried in tallies)
    sums = (
        number,
        total,
        sum(tried * tried for _, tried in tallies),
        sum(solved for solved, _ in tallies),
        sum(solved * solved / tried for solved, tried in tallies),
    )
    each = total / number if number else 0.0
    rho = correlation(*sums)
    if rho is None:
        return Discrimination(total, number, each, None, None, None, None, None)
    without = [
        correlation(number - 1, total - n, sums[2] - n * n, sums[3] - s, sums[4] - s * s / n) for s, n in tallies
    ]
    low = high = None
    if all(one is not None for one in without):
        left = [one for one in without if one is not None]
        mean = sum(left) / number
        half = 1.96 * sqrt((number - 1) / number * sum((one - mean) ** 2 for one in left))
        low, high = max(rho - half, -1.0), min(rho + half, 1.0)
    true = max(rho, 0.0)
    needed = round(TRUSTED * (1 - true) / ((1 - TRUSTED) * true)) if true > 1e-6 else None
    reliability = each * true / (1 + (each - 1) * true)
    return Discrimination(total, number, each, rho, low, high, reliability, needed)


def correlation(agents: int, total: int, squares: int, solved: float, within: float) -> float | None:
    """The intraclass correlation of binary outcomes, from sums over agents with n evaluations and s solved.

    total, squares, solved, within: the sums of n, n^2, s, and s^2 / n. None where it is undefined: fewer than two
    agents, no agent with two results, or all outcomes alike.
    """
    if agents < 2 or total <= agents:
        return None
    between = (within - solved * solved / total) / (agents - 1)
    inside = (solved - within) / (total - agents)
    size = (total - squares / total) / (agents - 1)
    whole = between + (size - 1) * inside
    return (between - inside) / whole if whole > 1e-12 else None
