"""What a run ends with: the agent to take, what it can do, and what that is beyond the seed.

Invariant: a function of the tree alone. A policy that knows better has a method `conclude` of its own.
"""

from functools import lru_cache
from math import hypot
from threading import get_ident

from msgspec import Struct

from dgm import belief
from dgm.clade import Agent
from dgm.config import PolicyConfig
from dgm.jobs import AgentId
from dgm.policies.choosing import Policy
from dgm.tree import Tree

INTERVAL = 0.9


class Conclusion(Struct, frozen=True):
    """Success rates and their difference to the seed's, with 90 % intervals."""

    agent: AgentId
    mean: float
    low: float
    high: float
    gain: float
    gain_low: float
    gain_high: float

    @property
    def improved(self) -> bool:
        """Whether an improvement may be claimed: the whole interval of the gain lies above 0."""
        return self.gain_low > 0


def best(tree: Tree) -> Agent | None:
    """The agent to take, by the policy that the run is under; None for a tree without agents."""
    policy = _policy(tree.config.get("policy", {}).get("name", ""), get_ident())
    return tree.best() if policy is None or not tree.agents else chosen(policy, tree)


def concluded(tree: Tree) -> Conclusion | None:
    """What the policy that the run is under concludes, where it knows better than the tallies."""
    policy = _policy(tree.config.get("policy", {}).get("name", ""), get_ident())
    return None if policy is None or not tree.evaluations else conclude(policy, tree)


@lru_cache(maxsize=2)
def _policy(name: str, thread: int) -> Policy | None:
    """A policy of ours that chooses for itself. It is kept, since it need not read again what it has read, and by
    `thread`, since a driver and the display beside it look at trees of their own."""
    from dgm.policies import POLICIES, open_policy

    if name not in POLICIES:
        return None
    policy = open_policy(PolicyConfig(name=name), 1)
    return policy if hasattr(policy, "best") else None


def chosen(policy: Policy, tree: Tree) -> Agent:
    """The agent to take: the policy's own choice, or the one with the best belief. Raises `ValueError` for a tree
    without a seed."""
    own = getattr(policy, "best", None)
    found: Agent | None = own(tree) if own is not None else tree.best()
    if found is None:
        raise ValueError("there is no agent to choose")
    return found


def conclude(policy: Policy, tree: Tree) -> Conclusion:
    """The policy's own conclusion, or that of the tallies. Raises `ValueError` for a tree without a seed."""
    own = getattr(policy, "conclude", None)
    conclusion: Conclusion = own(tree) if own is not None else of_tallies(tree)
    return conclusion


def of_tallies(tree: Tree) -> Conclusion:
    """HGM's: the agent with the best belief, its empirical mean, and Beta(1 + solved, 1 + failed).

    The interval of the difference is Newcombe's hybrid (1998, method 10) of the two intervals.
    """
    best = tree.best()
    if best is None:
        raise ValueError("there is no agent to conclude about")
    mean, low, high = _rate(best)
    seed, seed_low, seed_high = _rate(best.lineage()[0])
    gain = mean - seed
    gain_low = gain - hypot(mean - low, seed_high - seed)
    gain_high = gain + hypot(high - mean, seed - seed_low)
    if best.parent is None:
        gain_low = gain_high = 0.0
    return Conclusion(best.id, mean, low, high, gain, gain_low, gain_high)


def _rate(agent: Agent) -> tuple[float, float, float]:
    tail = (1 - INTERVAL) / 2
    low = belief.quantile(agent.solved, agent.failed, tail)
    high = belief.quantile(agent.solved, agent.failed, 1 - tail)
    mean = agent.rate if agent.rate is not None else 0.5
    return mean, low, high
