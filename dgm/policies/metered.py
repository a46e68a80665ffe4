"""Money as the budget: a policy, of any kind, that begins no job once so many dollars are spent (`policy.usd`).

Unlike a cap, which holds in the worst case and so ends a run while some of it is left, this is spent to the end: jobs
under way count as what jobs have cost so far, and the last one may pass it. As in the account of evaluations, what the
environment has spoiled does not count. Invariant: pure.
"""

from typing import TYPE_CHECKING, Any

from dgm.config import PolicyConfig
from dgm.jobs import Job
from dgm.policies.budget import price
from dgm.policies.choosing import Policy
from dgm.tree import Tree

if TYPE_CHECKING:
    from numpy.random import Generator


class Metered:
    """`policy`, which is asked for nothing more once `config.usd` is spent. All else is its own."""

    def __init__(self, policy: Policy, config: PolicyConfig) -> None:
        self.policy, self.config = policy, config

    def __call__(self, tree: Tree, rng: "Generator") -> Job | None:
        return self.policy(tree, rng) if unspent(tree, self.config.usd, self.config.expansion_cost) > 0 else None

    def __getattr__(self, name: str) -> Any:
        if name == "policy":
            raise AttributeError(name)
        return getattr(self.policy, name)

    def ending(self, tree: Tree) -> str:
        if unspent(tree, self.config.usd, self.config.expansion_cost) <= 0:
            return f"it has spent ${metered(tree):.4g} of the ${self.config.usd:.4g} that policy.usd gives it"
        own = getattr(self.policy, "ending", None)
        return own(tree) if own is not None else ""


def metered(tree: Tree) -> float:
    """Dollars that evaluations and expansions have cost, without jobs that failed for the environment's sake."""
    return max(round(tree.spent.usd - tree.spent_in_vain.usd, 9), 0.0)


def unspent(tree: Tree, usd: float, expected: float) -> float:
    """What is left of `usd` dollars once all that is under way has ended. `expected`: as for `price`."""
    k = price(tree, expected)
    done = tree.evaluations + k * tree.expansions
    under_way = tree.evaluating + k * tree.expanding
    return usd - metered(tree) * (1 + under_way / done if done else 1)
