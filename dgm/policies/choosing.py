"""What policies have in common: draws among agents, an untried task, the evidence of an expansion.

Invariant: pure; a function of the tree and of the random numbers that it is given.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from hashlib import blake2b
from typing import TYPE_CHECKING

from dgm.clade import Agent
from dgm.jobs import AgentId, Evaluate, Expand, Job, TaskId
from dgm.policies.reasons import because, heard, picked
from dgm.pool import Pool
from dgm.tree import Tree

if TYPE_CHECKING:
    from numpy.random import Generator

NOBODY = "there is nobody who may be chosen"

Policy = Callable[[Tree, "Generator"], Job | None]
"""Picks the next job, or None to start nothing until something has finished. Pure."""


def thompson(pool: Pool, tau: float, rng: "Generator") -> int | None:
    """The agent with the largest of independent draws from Beta(tau (1 + solved), tau (1 + failed)); None of none.

    The largest of n draws from one posterior is its quantile at U^(1/n): one draw serves a group of equal tallies, so
    this has the distribution of a draw for every agent at the cost of a draw for every distinct tally.
    """
    import numpy as np

    if not len(pool):
        because(rng, NOBODY)
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
    winner = members[rng.integers(len(members))]
    if (reasons := heard(rng)) is not None:
        measure, n = f"theta ~ Beta(tau (1 + solved), tau (1 + failed)), tau = {tau:.4g}", a + b
        spreads = np.sqrt(a * b / (n * n * (n + 1)))
        reasons.compare(measure, pool, draws, winner, means=a / n, spreads=spreads)
    return winner


def favourite(pool: Pool, rng: "Generator") -> int | None:
    """The agent with the highest posterior mean (1 + solved) / (2 + solved + failed), ties by lot; None of none."""
    if not len(pool):
        because(rng, NOBODY)
        return None
    means = [(1 + solved) / (2 + solved + failed) for solved, failed in pool.tallies]
    top = max(means)
    crowd = [agent for mean, members in zip(means, pool.members, strict=True) if mean == top for agent in members]
    winner = crowd[rng.integers(len(crowd))]
    if (reasons := heard(rng)) is not None:
        reasons.compare("posterior mean (1 + solved) / (2 + solved + failed), ties by lot", pool, means, winner)
    return winner


def anyone(pool: Pool, rng: "Generator") -> int | None:
    """Each agent as likely as any other; None of none."""
    if not len(pool):
        because(rng, NOBODY)
        return None
    place = int(rng.integers(len(pool)))
    for members in pool.members:
        if place < len(members):
            if (reasons := heard(rng)) is not None:
                reasons.compare("the same chance for each", pool, [1.0] * len(pool.members), members[place], "lot")
            return members[place]
        place -= len(members)
    raise AssertionError("the sizes of a pool's groups add up to its length")


def lot(weights: Sequence[float], rng: "Generator") -> int:
    """An index, drawn in proportion to its weight. At least one has to be above 0."""
    place = rng.random() * sum(weights)
    last = 0
    for index, weight in enumerate(weights):
        if weight > 0:
            last = index
            if place < weight:
                break
            place -= weight
    return last


def own(tree: Tree, pool: Pool) -> Pool:
    """The agents of `pool` under their own tallies."""
    found = Pool()
    for members in pool.members:
        for index in members:
            agent = tree.agent(index)
            found.put(index, agent.solved, agent.failed)
    return found


@lru_cache(maxsize=4096)
def shuffled(tasks: tuple[TaskId, ...], salt: str = "") -> tuple[TaskId, ...]:
    """`tasks` in an order that looks random, the same in every run: one order for each `salt`."""
    return tuple(sorted(tasks, key=lambda task: blake2b(f"{salt} {task}".encode(), digest_size=16).digest()))


def evaluation(tree: Tree, agent: Agent, rng: "Generator") -> Evaluate:
    """A task that is new to `agent`, each as likely as any other. The agent has to be in `tree.evaluable`."""
    todo = tree.untried(agent)
    picked(rng, "one of the {} that are new to the agent, each as likely as any other", len(todo))
    return Evaluate(agent.id, todo[rng.integers(len(todo))])


def expansion(parent: Agent, rng: "Generator", author: AgentId | None = None) -> Expand:
    """A rewrite of `parent`, by itself or by `author`."""
    return Expand(parent.id, study(parent, rng), None if author == parent.id else author)


def study(parent: Agent, rng: "Generator") -> TaskId | None:
    """A task that `parent`, or else the nearest ancestor with a failure, has failed: the evidence of an expansion.

    One of those that `parent` has been expanded on least often: the same evidence again teaches less than another.
    """
    for agent in parent.upwards():
        failed = [task for task, solved in agent.results.items() if not solved and not parent.results.get(task)]
        if failed:
            least = min(parent.studied.get(task, 0) for task in failed)
            fresh = [task for task in failed if parent.studied.get(task, 0) == least]
            whose = "the parent" if agent is parent else "the nearest ancestor with any"
            words = "a failure of {}, by lot from {} of {}: those that expansions of the parent studied least, {} times"
            picked(rng, words, whose, len(fresh), len(failed), least)
            return fresh[rng.integers(len(fresh))]
    picked(rng, "none: neither the parent nor its ancestors have failed any that the parent has not solved")
    return None
