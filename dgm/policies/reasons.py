"""What a policy says of a choice while it makes it: the rules that held, those who were compared, how a task was found.

It is told to the random numbers, since these reach every function that draws: to a `dgm.policies.witness.Witness` where
somebody asked, else to a plain generator of NumPy's, which hears nothing.

Invariant: to tell changes no choice and draws no number, and costs a look at an attribute where nobody listens.
"""

from collections.abc import Iterable
from itertools import zip_longest
from typing import TYPE_CHECKING, Literal

from msgspec import Struct

from dgm.clade import Agent
from dgm.pool import Pool

if TYPE_CHECKING:
    from numpy.random import Generator

TOP = 5
"""Candidates of a comparison that are kept."""


class Candidate(Struct, frozen=True):
    """An agent, by index, and the `value` that it was compared by; `alike`: how many more agents the same number stands
    for, since their tallies are equal; `mean`, `spread`: of what the value was drawn from."""

    agent: int
    value: float
    alike: int = 0
    tally: tuple[int, int] | None = None
    mean: float | None = None
    spread: float | None = None


class Contest(Struct, frozen=True):
    """A comparison of agents by `measure`, in which the largest value wins, or who is drawn in proportion to it.

    `candidates`: the first ones by value, and the winner, who comes first where the largest value wins. `total`: of all
    values.
    """

    measure: str
    by: Literal["largest", "lot"]
    among: int
    total: float
    winner: int
    candidates: tuple[Candidate, ...]


class Reasons:
    """What was told of one choice, in the order in which it was."""

    def __init__(self) -> None:
        self.steps: list[str | Contest] = []
        self.task = ""

    def compare(
        self,
        measure: str,
        agents: "Pool | Iterable[Agent | int]",
        values: Iterable[float],
        winner: int,
        by: Literal["largest", "lot"] = "largest",
        tallies: Iterable[tuple[int, int]] = (),
        means: Iterable[float] = (),
        spreads: Iterable[float] = (),
    ) -> None:
        """The columns have an entry an agent or, for a pool, an entry a group; or none at all."""
        if isinstance(agents, Pool):
            groups, tallies = [tuple(members) for members in agents.members], agents.tallies
        else:
            groups = [(one.index if isinstance(one, Agent) else int(one),) for one in agents]
        rows = zip_longest(groups, map(float, values), tallies, map(float, means), map(float, spreads))
        found = [
            Candidate(winner if winner in group else group[0], value, len(group) - 1, tally, mean, spread)
            for group, value, tally, mean, spread in rows
        ]
        found.sort(key=lambda one: (-one.value, one.agent != winner))
        kept = found[:TOP] + [one for one in found[TOP:] if one.agent == winner]
        total = sum(one.value * (1 + one.alike) for one in found)
        self.steps.append(Contest(measure, by, sum(map(len, groups)), total, winner, tuple(kept)))


def heard(rng: "Generator") -> Reasons | None:
    """Whom to tell; None where nobody listens."""
    return getattr(rng, "reasons", None)


def because(rng: "Generator", words: str, *values: object) -> None:
    """A rule that held. `words`: a format of `values`, put together only where somebody listens."""
    reasons = heard(rng)
    if reasons is not None:
        reasons.steps.append(words.format(*values))


def picked(rng: "Generator", words: str, *values: object) -> None:
    """How the task of the job was found."""
    reasons = heard(rng)
    if reasons is not None:
        reasons.task = words.format(*values)
