"""RACE, our default: expand the incumbent when no challenger can still beat it, else evaluate the challenger that can.

    newborn     whoever has met fewer than `newborn` tasks is evaluated first (the seed: `seed_evaluations`)
    promise     of an agent: mean ability + horizon x mean drift, by the posterior of `dgm.policies.posterior`
    incumbent   the highest promise, each moved by `noise` standard deviations, the less the budget has left
    challenger  the highest promise + kappa standard deviations of its ability; kappa grows with k, the price of a child
    the race    evaluate the challenger if its bound beats the incumbent, else expand the incumbent
    the end     what is in reserve goes to whoever may have the highest ability

Jobs under way may be a share of the work done and no more, however many slots there are: what is chosen in ignorance of
what is about to be known is chosen badly, and depth is what a search is short of. Invariant: pure.
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from dgm.clade import Agent
from dgm.config import PolicyConfig
from dgm.jobs import Evaluate, Job
from dgm.policies import calibration
from dgm.policies.budget import left, price, worth
from dgm.policies.choosing import evaluation, expansion
from dgm.policies.conclusion import Conclusion
from dgm.policies.heredity import Floats, Indices
from dgm.policies.posterior import Posterior
from dgm.policies.reasons import because, heard
from dgm.pool import Pool
from dgm.tree import Tree

if TYPE_CHECKING:
    from numpy.random import Generator

HINT = 0.2
"""What an evaluation under way is taken to add to the precision of an ability, before it is known."""

RACE = "{}: the challenger's bound {:.4f} {} the incumbent's promise {:.4f}"
DRAWN = "ability, drawn from what is believed of it; half of the time the second, where the first leads all"
END = (
    "the end: {:.1f} evaluations' worth is left, the reserve is {:.1f}, a child takes {:.1f}, and {} agents could have "
    "one: evaluate whoever may have the highest ability"
)


@dataclass
class Race:
    """`budget`: B, in evaluations; see `dgm.policies.budget` for what it is worth."""

    budget: int
    config: PolicyConfig = field(default_factory=PolicyConfig)
    newborn: int = 3
    horizon: float = 2.5
    """How many generations ahead drift counts."""
    noise: float = 0.8
    kappa: float = 1.2
    """For k = 1; it grows as k^(1/8)."""
    reserve: float = 0.05
    """Of the budget."""
    tau: float = 0.65
    """How far children differ from their parents, in logits. Generous on purpose: who is uncertain is looked at."""
    sober: float = 0.25
    """The tau of the choice at the end, when nobody can be looked at any more."""
    walk: float = 0.22
    """How far their drifts do."""
    _known: dict[float, tuple[Tree, Posterior]] = field(default_factory=dict, repr=False, compare=False)
    """What was computed of the tree so far, by tau; nothing depends on it but the time that a choice takes."""

    def __call__(self, tree: Tree, rng: "Generator") -> Job | None:
        k = price(tree, self.config.expansion_cost)
        rest, whole = left(tree, self.budget, k), worth(self.budget, k)
        if rest < 1 or self.crowded(tree, k):
            return None
        if (agent := self.unmet(tree)) is not None:
            because(rng, "newborn: {:.8} has met fewer tasks than it takes to be judged, {}", agent.id, met(agent))
            return evaluation(tree, agent, rng)
        beliefs = self.posterior(tree, self.tau).heredity
        mean, cov = beliefs.mean, beliefs.cov
        parents, pupils = members(tree.expandable), members(tree.evaluable)
        if len(pupils) and (rest <= self.reserve * whole or rest < k + self.newborn or not len(parents)):
            abilities = mean[:, 0] + cov[:, 0, 0] ** 0.5 * rng.standard_normal(len(mean))
            winner = top_two(abilities, pupils, rng)
            if (reasons := heard(rng)) is not None:
                reasons.steps.append(END.format(rest, self.reserve * whole, k, len(parents)))
                reasons.compare(
                    DRAWN, pupils, abilities[pupils], winner, means=mean[pupils, 0], spreads=cov[pupils, 0, 0] ** 0.5
                )
            return evaluation(tree, tree.agent(winner), rng)
        if rest < k or not len(parents):
            return None
        promise = mean[:, 0] + self.horizon * mean[:, 1]
        spread = np.sqrt(cov[:, 0, 0] + 2 * self.horizon * cov[:, 0, 1] + self.horizon**2 * cov[:, 1, 1])
        heat = self.noise * (rest / whole) ** 0.5
        moved = promise[parents] + heat * spread[parents] * rng.standard_normal(len(parents))
        incumbent = int(parents[np.argmax(moved)])
        if (reasons := heard(rng)) is not None:
            measure = f"promise: mean ability + {self.horizon:g} x mean drift + {heat:.3g} sd x N(0, 1)"
            reasons.compare(measure, parents, moved, incumbent, means=promise[parents], spreads=spread[parents])
        rivals = pupils[pupils != incumbent]
        if len(rivals):
            doubt = 1 / np.sqrt(1 / cov[rivals, 0, 0] + HINT * under_way(tree)[rivals])
            bound = promise[rivals] + self.kappa * k**0.125 * doubt
            challenger = int(rivals[np.argmax(bound)])
            if reasons is not None:
                measure = f"bound: promise + {self.kappa * k**0.125:.3g} sd of the ability"
                reasons.compare(measure, rivals, bound, challenger, means=promise[rivals], spreads=doubt)
            promised, possible = moved.max(), bound.max()
            if possible > promised:
                because(rng, RACE, "evaluate the challenger", possible, "beats", promised)
                return evaluation(tree, tree.agent(challenger), rng)
            because(rng, RACE, "expand the incumbent", possible, "does not beat", promised)
        else:
            because(rng, "expand the incumbent: there is nobody to challenge it")
        return expansion(tree.agent(incumbent), rng)

    def best(self, tree: Tree) -> Agent:
        """The agent with the highest mean ability among those that were evaluated; the seed where none was."""
        ability = self.posterior(tree, self.sober).heredity.mean[:, 0]
        evaluated = [agent.index for agent in tree.agents.values() if agent.evaluations] or [0]
        return tree.agent(max(evaluated, key=lambda index: (ability[index], -index)))

    def conclude(self, tree: Tree) -> Conclusion:
        return calibration.conclude(tree, self.best(tree))

    def crowded(self, tree: Tree, k: float) -> bool:
        """Whether to wait for what is under way before anything more is begun."""
        waiting, done = tree.evaluating + k * tree.expanding, tree.evaluations + k * tree.expansions
        return bool(tree.running) and waiting >= max(8.0, self.config.under_way * done)

    def unmet(self, tree: Tree) -> Agent | None:
        """An agent that has met too few tasks, those under way counted, to be judged at all."""
        seed, pool = tree.seeds[0], tree.evaluable
        if met(seed) < self.config.seed_evaluations and seed.index in pool:
            return seed
        for solved in range(self.newborn):
            for failed in range(self.newborn - solved):
                for index in pool.at((solved, failed)):
                    if met(tree.agent(index)) < self.newborn:
                        return tree.agent(index)
        return None

    def posterior(self, tree: Tree, tau: float) -> Posterior:
        if tau not in self._known or self._known[tau][0] is not tree:
            self._known[tau] = tree, Posterior(tau, self.walk)
        found = self._known[tau][1]
        found.follow(tree)
        return found


def met(agent: Agent) -> int:
    """Tasks that `agent` has been evaluated on, or is being."""
    return agent.evaluations + len(agent.evaluating)


def members(pool: Pool) -> Indices:
    return np.frombuffer(b"".join(pool.members), np.int64)


def under_way(tree: Tree) -> Floats:
    """For each agent, the evaluations of it that have not ended yet."""
    counts = np.zeros(len(tree.agents))
    for started in tree.running.values():
        if isinstance(started.job, Evaluate):
            counts[tree.agents[started.job.agent].index] += 1
    return counts


def top_two(abilities: Floats, pupils: Indices, rng: "Generator") -> int:
    """The one of `pupils` with the highest ability, or half of the time the next one, if that is the highest of all:
    to tell the best from the second best, either may be looked at."""
    order = pupils[np.argsort(-abilities[pupils], kind="stable")]
    leads = order[0] == np.argmax(abilities)
    return int(order[1] if leads and len(order) > 1 and rng.random() < 0.5 else order[0])
