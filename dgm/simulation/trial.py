"""One policy in one world, from the first job to the last: a row of a table.

Invariant: the loop, the tree and the policy are the ones of a real run.
"""

import msgspec
from msgspec import Struct

from dgm.config import ConfigError, PolicyConfig
from dgm.flight import Flight
from dgm.machine import run
from dgm.policies import budget as account
from dgm.policies import open_policy
from dgm.policies.choosing import Policy
from dgm.policies.conclusion import chosen, conclude
from dgm.simulation.clock import Clock
from dgm.simulation.families import family
from dgm.simulation.memory import Memory
from dgm.simulation.worlds import World
from dgm.tree import Tree

POINTS = 20
"""Points of a curve, at equal fractions of the budget."""


class Trial(Struct, frozen=True):
    """What is run. `budget`: B, in evaluations; `k`: what an expansion costs in evaluations."""

    policy: str
    """A policy's name, or one with settings of `[policy]`: `hgm:alpha=0.5:cooling=false`."""
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
    curve: tuple[float, ...] = ()
    """The true utility of what would have been returned after each twentieth of the budget, expansions included; `()`
    where that was not asked for. A policy that stops early keeps what it has."""


class Milestones:
    """Notes what the policy would return, whenever another part of the budget is spent. `run` calls it as `halted`."""

    def __init__(self, trial: Trial, policy: Policy, tree: Tree, world: World) -> None:
        self.curve: list[float] = []
        self._policy, self._tree, self._world = policy, tree, world
        self._step = account.worth(trial.budget, trial.k) / POINTS

    def __call__(self) -> None:
        reached = min(int(self._tree.spent.usd / self._step + 1e-9), POINTS)
        if reached > len(self.curve):
            agent = chosen(self._policy, self._tree)
            self.fill(reached, self._world.truths[agent.id].utility)

    def fill(self, length: int, utility: float) -> None:
        self.curve += [round(utility, 4)] * (length - len(self.curve))


def settings(policy: str) -> PolicyConfig:
    """The settings that `Trial.policy` stands for. Raises `ConfigError`."""
    name, *pairs = policy.split(":")
    given = dict(pair.partition("=")[::2] for pair in pairs)
    known = [field for field in PolicyConfig.__struct_fields__ if field != "name"]
    for key in given:
        if key not in known:
            raise ConfigError(f"policy {policy!r}: {key!r} is none of its settings, which are {', '.join(known)}")
    try:
        return msgspec.convert({**given, "name": name}, PolicyConfig, strict=False)
    except msgspec.ValidationError as error:
        raise ConfigError(f"policy {policy!r}: {error}") from error


def play(trial: Trial, curve: bool = True) -> Ran:
    """Run it. `curve`: whether to look at the way there too, which costs about a tenth more.

    Raises `KeyError` for an unknown family, `ConfigError` for an unknown policy.
    """
    world = World(family(trial.family), trial.seed, trial.k, trial.tasks)
    clock = Clock()
    config = settings(trial.policy)
    memory = Memory(world.root, world.tasks, lambda: clock.now, {"policy": msgspec.to_builtins(config)})
    policy = open_policy(config, trial.budget)
    tree = memory.tree
    milestones = Milestones(trial, policy, tree, world)
    flight = Flight(world, clock, clock)
    run(memory, policy, flight, trial.slots, milestones if curve else lambda: None, random_seed=trial.seed)
    end = conclude(policy, tree)
    truth = world.truths[end.agent]
    if curve:
        milestones.curve = milestones.curve[: POINTS - 1]
        milestones.fill(POINTS, truth.utility)
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
        curve=tuple(milestones.curve),
    )
