"""How the next job is chosen. Each policy is a pure function of the tree and of random numbers, in a file of its own.

Invariant: nothing here is imported before it is used, since policies need NumPy and reading an archive does not.
"""

from importlib import import_module
from typing import cast

from dgm.config import ConfigError, PolicyConfig
from dgm.policies.choosing import Policy

POLICIES = {
    "race": "dgm.policies.race.Race",
    "hgm": "dgm.policies.hgm.HGM",
    "hgm-released": "dgm.policies.hgm_released.Released",
    "dgm": "dgm.policies.dgm.DGM",
    "dgm-no-self-improvement": "dgm.policies.dgm.NoSelfImprovement",
    "dgm-no-archive": "dgm.policies.dgm.NoArchive",
    "sica": "dgm.policies.sica.SICA",
    "greedy": "dgm.policies.greedy.Greedy",
    "random": "dgm.policies.random.Random",
    "best-of-n": "dgm.policies.best_of_n.BestOfN",
    "thompson-own": "dgm.policies.thompson_own.ThompsonOwn",
    "uct": "dgm.policies.uct.UCT",
    "pareto": "dgm.policies.pareto.Pareto",
}
"""Name to the function (budget, PolicyConfig) -> `Policy`."""
ONCE = "dgm.policies.once.Once"
"""The policy of a replay, which is none to search with."""
RESAMPLE = "dgm.policies.resample.Resample"
"""A control of searches, which needs an archive with copies of its seed."""


def open_policy(config: PolicyConfig, budget: int) -> Policy:
    """The policy that `config.name` names: one of ours, or a dotted path. `budget`: B, in evaluations.

    Raises `ConfigError`.
    """
    module, _, name = POLICIES.get(config.name, config.name).rpartition(".")
    try:
        policy = cast(Policy, getattr(import_module(module), name)(budget, config))
    except (ImportError, AttributeError, ValueError) as error:
        names = ", ".join(POLICIES)
        raise ConfigError(
            f"policy.name: {config.name!r} is neither one of {names} nor the path of a function: {error}"
        ) from error
    if config.stop:
        from dgm.policies.stopping import Stopping

        policy = Stopping(policy, budget, config)
    if config.usd:
        from dgm.policies.metered import Metered

        policy = Metered(policy, config)
    return policy
