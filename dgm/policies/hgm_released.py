"""Huxley-Gödel Machine as the released code behaves (metauto-ai/HGM, `tree.py` and `hgm.py`). For comparison only.

It sums up a clade by extending the agent's own list of results in place, so each look for a parent adds the
descendants' results, themselves inflated, to the agent's own for good; its draws for evaluations use them, too. Only
an agent with a mean above 0 becomes a parent; draws are not cooled; failed expansions are free and not counted against
the width, which leaves out the seed, while evaluations under way count. From 10,000 results on, a list is no longer
extended: its mean, that many times, stands for it.

What differs: where the released run would end because nothing was solved, anybody may be expanded. The opening is that
of `hgm`, where the seed meets every task for nothing there. Results count from the start of their job on, as the tree
does not tell when it ended. A job without a result is taken for a failed expansion. Invariant: pure; the corrupted
counts are recomputed from the tree, of which only what is new since the last call is read.
"""

from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING

from dgm.clade import Agent
from dgm.jobs import Evaluate, Expand, Job, JobId
from dgm.policies.choosing import evaluation, expansion
from dgm.policies.hgm import HGM
from dgm.policies.reasons import because, heard
from dgm.tree import Tree

if TYPE_CHECKING:
    from numpy.random import Generator

LONG = 10_000
Counts = tuple[list[int], list[int]]
"""How many results, and how many solved ones, the list of each agent holds."""

WIDE = "{}: {} evaluations ^ {:g} = {:.2f} {} {} children and expansions under way"


@dataclass(frozen=True)
class Released(HGM):
    """`budget` is B, in evaluations."""

    memo: "list[Reading]" = field(default_factory=list, compare=False, repr=False)

    def __call__(self, tree: Tree, rng: "Generator") -> Job | None:
        if self.left(tree) <= 0:
            return None
        begun = tree.evaluations + tree.evaluating
        reach, width = begun**self.config.alpha, len(tree.agents) - 1 + tree.expanding
        job = self.opening(tree, rng)
        if job is None:
            rule, sign = ("look closer", "<") if reach < width else ("widen", ">=")
            because(rng, WIDE, rule, begun, self.config.alpha, reach, sign, width)
        if job is None and reach >= width:
            job = self.expand(tree, 1.0, rng)
        if job is None:
            job = self.evaluate(tree, 1.0, rng)
        return self.wider(tree, 1.0, rng) if job is None and not tree.running else job

    def expand(self, tree: Tree, tau: float, rng: "Generator") -> Expand | None:
        open_ = sorted(index for members in tree.expandable.members for index in members)
        if not open_:
            return None
        counts = self.counts(tree)
        because(
            rng,
            "a parent: the largest draw, by what a look at its clade counts, of those that count as having solved any",
        )
        able = [index for index in open_ if counts[1][index]] or open_
        tried, solved = looked(tree, counts)
        return expansion(tree.agent(able[drawn(able, tried, solved, rng)]), rng)

    def evaluate(self, tree: Tree, tau: float, rng: "Generator") -> Evaluate | None:
        open_ = sorted(index for members in tree.evaluable.members for index in members)
        if not open_:
            return None
        because(rng, "an agent to evaluate: the largest draw, by its own list as looks have left it")
        return evaluation(tree, tree.agent(open_[drawn(open_, *self.counts(tree), rng)]), rng)

    def counts(self, tree: Tree) -> Counts:
        """The corrupted counts."""
        if not self.memo or self.memo[0].seed is not tree.seeds[0]:  # an agent belongs to one tree, which only grows
            self.memo[:] = [Reading(tree.seeds[0])]
        return self.memo[0].on(tree)


def drawn(agents: list[int], tried: list[int], solved: list[int], rng: "Generator") -> int:
    """Where in `agents` the largest draw is."""
    draws = rng.beta([1 + solved[a] for a in agents], [1 + tried[a] - solved[a] for a in agents])
    place = int(draws.argmax())
    if (reasons := heard(rng)) is not None:
        tallies = [(solved[a], tried[a] - solved[a]) for a in agents]
        reasons.compare("theta ~ Beta(1 + solved, 1 + failed)", agents, draws, agents[place], tallies=tallies)
    return place


def looked(tree: Tree, counts: Counts) -> Counts:
    """What a look for a parent sees of each clade."""
    below: Counts = ([0] * len(counts[0]), [0] * len(counts[0]))
    for own, under in zip(counts, below, strict=True):
        for index in range(len(own) - 1, 0, -1):
            parent = tree.agent(index).parent
            if parent is not None:
                under[parent.index] += own[index] + under[index]
    seen: Counts = ([], [])
    for tried, solved, more, better in zip(*counts, *below, strict=True):
        seen[0].append((tried if tried < LONG else LONG) + more)
        seen[1].append((solved if tried < LONG else solved * LONG // tried) + better)
    return seen


@dataclass
class Reading:
    """The results and looks of one tree, folded in the order of jobs up to the first that is still running."""

    seed: Agent
    settled: JobId = 1
    agents: int = 0
    told: list[int] = field(default_factory=list)
    """How many results of each agent were noticed."""
    done: dict[JobId, tuple[int, bool] | None] = field(default_factory=dict)
    """The jobs that were noticed but not folded yet: an agent and its score, or a birth."""
    counts: Counts = field(default_factory=lambda: ([], []))

    def on(self, tree: Tree) -> Counts:
        self.notice(tree)
        while self.settled < tree.next_job and self.settled not in tree.running:
            self.counts = self.fold(tree, self.counts, self.settled)
            self.done.pop(self.settled, None)
            self.settled += 1
        counts: Counts = (self.counts[0].copy(), self.counts[1].copy())
        for id in range(self.settled, tree.next_job):
            counts = self.fold(tree, counts, id)
        return counts

    def notice(self, tree: Tree) -> None:
        for index in range(self.agents, len(tree.agents)):
            job = tree.agent(index).job
            if job is not None:
                self.done[job] = None
            for column in (self.told, *self.counts):
                column.append(0)
        self.agents = len(tree.agents)
        for index, told in enumerate(self.told):
            agent = tree.agent(index)
            if agent.evaluations > told:
                for task in islice(agent.results, told, None):
                    self.done[agent.jobs[task]] = (index, agent.results[task])
                self.told[index] = agent.evaluations

    def fold(self, tree: Tree, counts: Counts, id: JobId) -> Counts:
        started = tree.running.get(id)
        if started is not None and isinstance(started.job, Evaluate):
            return counts
        scored = self.done.get(id)
        if scored is not None:
            counts[0][scored[0]] += 1
            counts[1][scored[0]] += scored[1]
            return counts
        seen = looked(tree, counts)  # an expansion
        for index, (tried, solved) in enumerate(zip(*counts, strict=True)):
            if solved and tried < LONG:
                counts[0][index], counts[1][index] = seen[0][index], seen[1][index]
        return counts
