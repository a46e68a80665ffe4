"""One policy in one world, from the first job to the last: a row of a table.

Invariant: the loop, the tree and the policy are the ones of a real run.
"""

from msgspec import Struct

from dgm.config import PolicyConfig
from dgm.flight import Flight
from dgm.machine import run
from dgm.policies import open_policy
from dgm.policies.conclusion import conclude
from dgm.simulation.clock import Clock
from dgm.simulation.families import family
from dgm.simulation.memory import Memory
from dgm.simulation.worlds import World


class Trial(Struct, frozen=True):
    """What is run. `budget`: B, in evaluations; `k`: what an expansion costs in evaluations."""

    policy: str
    family: str
    seed: int
    budget: int = 800
    k: float = 5.0
    slots: int = 1
    tasks: int = 60


class Ran(Struct, frozen=True):
    """How it ended. Utilities are true success probabilities on hidden tasks; `makespan` is in evaluations."""

    utility: float
    root: float
    top: float
    """The highest true utility of any agent in the tree."""
    visible: float
    """The returned agent's true success probability on the tasks of the search."""
    mean: float
    """What the policy says that it can do, with"""
    low: float
    high: float
    gain: float
    """and what it says that it gained over the seed, with"""
    gain_low: float
    gain_high: float
    evaluations: int
    expansions: int
    agents: int
    depth: int
    makespan: float


def play(trial: Trial) -> Ran:
    """Run it. Raises `KeyError` for an unknown family, `ConfigError` for an unknown policy."""
    world = World(family(trial.family), trial.seed, trial.k, trial.tasks)
    clock = Clock()
    memory = Memory(world.root, world.tasks, lambda: clock.now)
    policy = open_policy(PolicyConfig(name=trial.policy), trial.budget)
    run(memory, policy, Flight(world, clock, clock), trial.slots, random_seed=trial.seed)
    tree = memory.tree
    end = conclude(policy, tree)
    truth = world.truths[end.agent]
    return Ran(
        utility=truth.utility,
        root=world.truths[world.root].utility,
        top=max(truth.utility for truth in world.truths.values()),
        visible=truth.visible,
        mean=end.mean,
        low=end.low,
        high=end.high,
        gain=end.gain,
        gain_low=end.gain_low,
        gain_high=end.gain_high,
        evaluations=tree.evaluations,
        expansions=tree.expansions,
        agents=len(tree.agents),
        depth=tree.agents[end.agent].depth,
        makespan=clock.now - 1.0,
    )
