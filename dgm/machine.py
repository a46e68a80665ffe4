"""The machine, which is the whole algorithm (HGM, arXiv 2510.21614, Algorithm 1):

    until the budget is spent
        if evaluations ** alpha >= agents:  pick a parent by its clade; let it write a child
        else:                               pick an agent by its own record; give it a task
        write down what happened

`HGM` is the choice, `run` is the loop: it asks for jobs, has them done anywhere, and records how they end.
Invariant: a choice depends on the log alone, so every choice can be explained and recomputed from it.
"""

from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dgm.clade import Agent
from dgm.config import PolicyConfig
from dgm.flight import End, Flight, Patience, Work
from dgm.jobs import Evaluate, Expand, Failure, Job, JobId, Outcome
from dgm.pool import Pool
from dgm.tree import Tree

if TYPE_CHECKING:
    from numpy.random import Generator

    from dgm.archive import Archive

Policy = Callable[[Tree, "Generator"], Job | None]
"""Picks the next job, or None to start nothing until something has finished. Pure."""


# ---------------------------------------------------------------- the choice


@dataclass(frozen=True)
class HGM:
    """Huxley-Gödel Machine: expand the most promising clade, evaluate the most promising agent.

    `budget` is B, in evaluations. Unlike the released code it lets a tree grow in which nothing was solved yet, and it
    charges failed expansions: each counts as an agent when the tree's width is compared with the evaluations so far.
    """

    budget: int
    config: PolicyConfig = field(default_factory=PolicyConfig)

    def __call__(self, tree: Tree, rng: "Generator") -> Job | None:
        evaluating = len(tree.running) - tree.expanding
        left = self.budget - tree.evaluations - evaluating
        if left <= 0:
            return None
        tau = self.budget / left if self.config.cooling else 1.0
        opening = self.opening(tree, rng)
        if opening is not None:
            return opening
        if tree.evaluations**self.config.alpha >= len(tree.agents) + tree.expanding + tree.stillborn:
            return self.expand(tree, tau, rng) or self.evaluate(tree, tau, rng)
        job = self.evaluate(tree, tau, rng)
        return self.expand(tree, tau, rng) if job is None and not tree.running else job

    def opening(self, tree: Tree, rng: "Generator") -> Job | None:
        """The warm start: some evaluations of the seed, then some expansions of it; None once both have been had."""
        seed = tree.seeds[0]
        if seed.evaluations + len(seed.evaluating) < self.config.seed_evaluations and seed.index in tree.evaluable:
            todo = tree.untried(seed)
            return Evaluate(seed.id, todo[rng.integers(len(todo))])
        had = len(seed.children) + seed.expanding + tree.stillborn
        if had < self.config.warm_start and seed.index in tree.expandable:
            return Expand(seed.id, study(seed, rng))
        return None

    def expand(self, tree: Tree, tau: float, rng: "Generator") -> Expand | None:
        """theta_a ~ Beta(tau (1 + S_clade), tau (1 + F_clade)); the agent with the largest becomes a parent."""
        index = thompson(tree.expandable, tau, rng)
        if index is None:
            return None
        parent = tree.agent(index)
        return Expand(parent.id, study(parent, rng))

    def evaluate(self, tree: Tree, tau: float, rng: "Generator") -> Evaluate | None:
        """theta_a ~ Beta(tau (1 + S_a), tau (1 + F_a)); the agent with the largest gets a task that is new to it."""
        index = thompson(tree.evaluable, tau, rng)
        if index is None:
            return None
        agent = tree.agent(index)
        todo = tree.untried(agent)
        return Evaluate(agent.id, todo[rng.integers(len(todo))])


def thompson(pool: Pool, tau: float, rng: "Generator") -> int | None:
    """The agent with the largest of independent draws from Beta(tau (1 + solved), tau (1 + failed)); None of none.

    The largest of n draws from one posterior is its quantile at U^(1/n): one draw serves a group of equal tallies, so
    this has the distribution of a draw for every agent at the cost of a draw for every distinct tally.
    """
    import numpy as np

    if not len(pool):
        return None
    sizes = np.frombuffer(pool.sizes, dtype=np.int64)
    a = tau * (1.0 + np.frombuffer(pool.solved))
    b = tau * (1.0 + np.frombuffer(pool.failed))
    draws = rng.beta(a, b)
    crowds = np.flatnonzero(sizes > 1)
    if len(crowds):
        from scipy.special import betaincinv

        draws[crowds] = betaincinv(a[crowds], b[crowds], rng.random(len(crowds)) ** (1.0 / sizes[crowds]))
    members = pool.members[int(np.argmax(draws))]
    return members[rng.integers(len(members))]


def study(parent: Agent, rng: "Generator") -> str | None:
    """A task that `parent`, or else the nearest ancestor with a failure, has failed: the evidence of an expansion.

    One of those that `parent` has been expanded on least often: the same evidence again teaches less than another.
    """
    for agent in reversed(parent.lineage()):
        failed = [task for task, solved in agent.results.items() if not solved and not parent.results.get(task)]
        if failed:
            least = min(parent.studied.get(task, 0) for task in failed)
            fresh = [task for task in failed if parent.studied.get(task, 0) == least]
            return fresh[rng.integers(len(fresh))]
    return None


def stream(random_seed: int, tree: Tree) -> "Generator":
    """The random numbers of the next choice: a function of the log, so a resumed run needs no saved generator."""
    from numpy.random import default_rng

    return default_rng([random_seed, tree.length])


# ---------------------------------------------------------------- the loop


def run(
    archive: "Archive",
    policy: Policy,
    work: Work,
    executor: Executor,
    slots: int,
    halted: Callable[[], End | None] = lambda: None,
    random_seed: int = 0,
    pause_hours: float = 12.0,
    tick: float = 0.5,
) -> End:
    """Grow the archive until the policy wants nothing more, the money or the disk runs short, or `halted` says so.

    Whatever an earlier driver left running is finished first where a paid part of it was kept, and is over otherwise.
    """
    flight = Flight(work, executor)
    patience = Patience(pause_hours * 3600)
    for started in list(archive.tree.running.values()):
        if work.resumable(started.id):
            flight.launch(started)
        else:
            lost = Failure("interrupted", "the driver stopped while this job ran", work.cost(started.id))
            archive.finish(started.id, lost)
    while True:
        tree = archive.tree
        end = halted() or patience.exhausted(tree) or unfit(work)
        while end is None and len(flight.deadlines) < patience.slots(tree, slots):
            if not work.affordable(tree):
                end = End(3, "the next job may no longer fit under caps.usd_per_run")
            elif (job := policy(tree, stream(random_seed, tree))) is not None:
                flight.launch(archive.start(job))
            else:
                end = None if flight.deadlines else finished(tree)
                break
        if end is not None and not flight.deadlines:
            return end
        landed = flight.next(tick)
        ending = end is not None or bool(work.shortage())
        if landed is not None and not (ending and resumes(work, *landed)):
            archive.finish(*landed)
            pause = patience.pause(tree)
            if pause:
                archive.pause(*pause)


def unfit(work: Work) -> End | None:
    """How a run ends on a machine that has no room for another job."""
    shortage = work.shortage()
    return End(1, shortage) if shortage else None


def resumes(work: Work, job: JobId, outcome: Outcome) -> bool:
    """Whether a job that ends with the driver stays open, so that the next start finishes what was paid for."""
    return isinstance(outcome, Failure) and outcome.cause == "interrupted" and work.resumable(job)


def finished(tree: Tree) -> End:
    """How a run ends for which the policy wants no more jobs."""
    left = tree.config.get("run", {}).get("evaluations", 0) - tree.evaluations
    if left > 0 and any(map(tree.capped, tree.agents.values())):
        return End(3, "no agent can have another job under caps.usd_per_agent")
    if left > 0:
        return End(
            0, f"nothing is left to try: every agent has met every task or was given up, {left} evaluations early"
        )
    return End(0, "the budget is spent")
