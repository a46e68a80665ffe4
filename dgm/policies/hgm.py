"""Huxley-Gödel Machine (arXiv 2510.21614, Algorithm 1): expand the most promising clade, evaluate the most promising
agent.

    until the budget is spent
        if evaluations ** alpha >= agents:  pick a parent by its clade; let it write a child
        else:                               pick an agent by its own record; give it a task

Invariant: pure; a choice costs by the number of distinct tallies, not of agents.
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dgm.config import PolicyConfig
from dgm.jobs import Evaluate, Expand, Job
from dgm.policies.budget import left, price
from dgm.policies.choosing import evaluation, expansion, thompson
from dgm.policies.reasons import because
from dgm.tree import Tree

if TYPE_CHECKING:
    from numpy.random import Generator

WIDE = "{}: {} evaluations ^ {:g} = {:.2f} {} {} agents, stillborn children and expansions under way"


@dataclass(frozen=True)
class HGM:
    """`budget` is B, in evaluations.

    Unlike the released code it lets a tree grow in which nothing was solved yet, and it charges failed expansions: each
    counts as an agent when the tree's width is compared with the evaluations so far.
    """

    budget: int
    config: PolicyConfig = field(default_factory=PolicyConfig)

    def __call__(self, tree: Tree, rng: "Generator") -> Job | None:
        b = self.left(tree)
        if b <= 0:
            return None
        tau = self.budget / b if self.config.cooling else 1.0
        opening = self.opening(tree, rng)
        if opening is not None:
            return opening
        reach, width = tree.evaluations**self.config.alpha, len(tree.agents) + tree.expanding + tree.stillborn
        if reach >= width:
            because(rng, WIDE, "widen", tree.evaluations, self.config.alpha, reach, ">=", width)
            return self.expand(tree, tau, rng) or self.evaluate(tree, tau, rng)
        because(rng, WIDE, "look closer", tree.evaluations, self.config.alpha, reach, "<", width)
        job = self.evaluate(tree, tau, rng)
        return self.wider(tree, tau, rng) if job is None and not tree.running else job

    def wider(self, tree: Tree, tau: float, rng: "Generator") -> Expand | None:
        """An expansion before its time, since nothing is left to evaluate; if the youngest agents have no result, only
        as long as the account holds it: where no task can be scored, no number of agents would end the run."""
        count, k = len(tree.agents), price(tree, self.config.expansion_cost)
        youngest = map(tree.agent, range(max(0, count - self.config.patience), count))
        scored = any(agent.evaluations for agent in youngest)
        because(rng, "widen before its time: nothing is left to evaluate")
        return self.expand(tree, tau, rng) if scored or left(tree, self.budget, k) >= k + 1 else None

    def left(self, tree: Tree) -> float:
        """b, in evaluations."""
        return self.budget - tree.evaluations - tree.evaluating

    def opening(self, tree: Tree, rng: "Generator") -> Job | None:
        """The warm start: some evaluations of the seed, then some expansions of it; None once both have been had."""
        seed = tree.seeds[0]
        if seed.evaluations + len(seed.evaluating) < self.config.seed_evaluations and seed.index in tree.evaluable:
            because(rng, "opening: the seed meets {} tasks before anything else", self.config.seed_evaluations)
            return evaluation(tree, seed, rng)
        had = len(seed.children) + seed.expanding + tree.stillborn
        if had < self.config.warm_start and seed.index in tree.expandable:
            because(rng, "opening: the seed is expanded {} times, {} of them so far", self.config.warm_start, had)
            return expansion(seed, rng)
        return None

    def expand(self, tree: Tree, tau: float, rng: "Generator") -> Expand | None:
        """theta_a ~ Beta(tau (1 + S_clade), tau (1 + F_clade)); the agent with the largest becomes a parent."""
        because(rng, "a parent: the largest draw, by what its clade has solved and failed")
        index = thompson(tree.expandable, tau, rng)
        return None if index is None else expansion(tree.agent(index), rng)

    def evaluate(self, tree: Tree, tau: float, rng: "Generator") -> Evaluate | None:
        """theta_a ~ Beta(tau (1 + S_a), tau (1 + F_a)); the agent with the largest gets a task that is new to it."""
        because(rng, "an agent to evaluate: the largest draw, by what it has solved and failed itself")
        index = thompson(tree.evaluable, tau, rng)
        return None if index is None else evaluation(tree, tree.agent(index), rng)
