"""What a newcomer should be told about a run that does not get anywhere, in plain sentences.

Invariant: a function of the tree alone, cheap enough to be asked twice a second, without numerical libraries.
"""

from msgspec import Struct

from dgm.policies import ONCE
from dgm.policies.account import Account, account
from dgm.tree import Tree

STANDSTILL = 1 / 3
"""So much of the budget without a better agent is a stagnation,"""
FEWEST = 3
"""if so many were born meanwhile."""


class Remark(Struct, frozen=True):
    """`about`: the same as long as it is the same remark, while its numbers change."""

    about: str
    words: str


def remarks(tree: Tree) -> tuple[Remark, ...]:
    """A tree in which nothing was solved does not stagnate: it has not begun. A replay is not to get anywhere."""
    if tree.config.get("policy", {}).get("name") == ONCE:
        return ()
    found = fruitless(tree) if not tree.solved else stagnant(tree, account(tree))
    return (found,) if found else ()


def fruitless(tree: Tree) -> Remark | None:
    """A seed that has failed all its tasks, at least as many as it meets before the search begins."""
    if not tree.seeds:
        return None
    seed = tree.seeds[0]
    first = int(tree.config.get("policy", {}).get("seed_evaluations", 0))
    if seed.evaluations < max(min(first, len(tree.tasks)), 1):
        return None
    others = tree.evaluations - seed.evaluations
    tasks = f"{'any' if seed.evaluations > 1 else 'the one'} of the {_count(seed.evaluations, 'task')} it has met"
    rest = f", nor have its descendants in {_count(others, 'evaluation')}" if others else ""
    return Remark(
        "seed",
        f"the seed has not solved {tasks}{rest}: rewrites have no success to build on. Look at its attempts with "
        "`dgm log seed`, then mend the seed, or take easier tasks or a stronger model",
    )


def stagnant(tree: Tree, spent: Account) -> Remark | None:
    """The best agent is old: since it met its first task (the seed: since a child did), none has come that is believed
    to be better, for `STANDSTILL` of the budget."""
    best = tree.best()
    if best is None or not spent.whole:
        return None
    since = first_result(tree, best.index) if best.parent else first_child(tree)
    younger = len(tree.agents) - 1 - best.index
    evaluations = len(tree.arrivals) - since
    price = 0.0 if spent.by_evaluations else spent.price
    share = (evaluations + price * younger) / spent.whole
    if younger < FEWEST or share < STANDSTILL:
        return None
    name = best.id[:8] if best.parent else "the seed"
    return Remark(
        f"stagnation {best.id}",
        f"no agent has come that is believed to be better than {name} in the last {_count(evaluations, 'evaluation')} "
        f"({min(share, 1):.0%} of the budget; {younger:,} younger agents)",
    )


def first_result(tree: Tree, agent: int) -> int:
    """How many results came before the first one of `agent`, which has one."""
    return tree.arrivals.index(agent)


def first_child(tree: Tree) -> int:
    """How many results came before the first one of an agent that is no seed."""
    return next((n for n, agent in enumerate(tree.arrivals) if tree.agent(agent).parent), len(tree.arrivals))


def _count(number: int, word: str) -> str:
    return f"{number:,} {word}{'s' * (number != 1)}"
