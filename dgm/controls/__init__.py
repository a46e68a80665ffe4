"""Controls: what the budget of a search gives without searching. Each is a run of its own, below the search's folder.

`resample` spends on the seed, again and again, what the search has spent; `best-of-n` on independent rewrites of the
seed, with the schedule of HGM. The budget is dollars, if the search has cost any, else its worth in evaluations.

Invariant: a control is an ordinary archive with the search's seed, tasks, models and limits, so that all that is said
of one is computed from the two logs.
"""

from collections.abc import Iterable
from pathlib import Path

from msgspec import Struct

from dgm.archive import LOG, Reader
from dgm.clade import Agent
from dgm.config import Config, Control
from dgm.files import Files
from dgm.jobs import AgentId
from dgm.policies import RESAMPLE
from dgm.policies.budget import price
from dgm.policies.metered import metered
from dgm.report import NoSuchAgent, find
from dgm.tree import Tree

FOLDER = "controls"
POLICY: dict[Control, str] = {"resample": RESAMPLE, "best-of-n": "best-of-n"}
DERIVED = frozenset(
    f"run.{key}"
    for key in (
        "tasks",
        "subset",
        "sample",
        "held_out",
        "evaluations",
        "cache",
        "controls",
    )
) | frozenset(f"policy.{key}" for key in ("name", "stop", "usd", "expansion_cost"))
"""The settings of a control that are not the search's."""


class Spent(Struct, frozen=True):
    """What a run has spent on evaluations and expansions; what the environment has spoiled is no part of a budget.
    `worth`: in evaluations, where an expansion counts as `price` of them, as measured in the search."""

    usd: float
    worth: float
    price: float

    def of(self, tree: Tree) -> "Spent":
        """What another run has spent, at the same price."""
        return Spent(metered(tree), tree.evaluations + self.price * tree.expansions, self.price)

    def share(self, of: "Spent") -> float:
        """What part of the other's budget this is, in dollars where the other has cost any."""
        return self.usd / of.usd if of.usd else self.worth / of.worth if of.worth else 0.0


def spent_by(search: Tree) -> Spent:
    k = price(
        search,
        float(search.config.get("policy", {}).get("expansion_cost", Config().policy.expansion_cost)),
    )
    return Spent(metered(search), search.evaluations + k * search.expansions, k)


def folder_of(search: Path, name: str) -> Path:
    return search / FOLDER / name


def begun(search: Path) -> list[Control]:
    """The controls that have a log. Costs nothing where there are none."""
    return [name for name in POLICY if (folder_of(search, name) / LOG).is_file()]


def known_agents(search: Path, tree: Tree, ids: Iterable[AgentId]) -> dict[AgentId, Agent]:
    """Those of `ids` that the search, whose log is `tree`, or one of its controls has. Controls are only read for what
    the search has not. Raises `Damaged`."""
    found = {id: tree.agents[id] for id in ids if id in tree.agents}
    missing = set(ids) - found.keys()
    for name in begun(search) if missing else []:
        agents = Reader(folder_of(search, name)).tree.agents
        found |= {id: agents[id] for id in missing & agents.keys()}
    return found


def agent_of(search: Reader, name: str) -> Agent:
    """The agent called `name`: `best-of-n:best` is the best agent of that control, a name without a colon is one of the
    search. Raises `NoSuchAgent`, `Damaged`."""
    control, colon, rest = name.rpartition(":")
    if not colon:
        return find(search.tree, name)
    if control not in begun(search.path):
        has = ", ".join(f"{one}:best" for one in begun(search.path)) or "none"
        raise NoSuchAgent(
            f"{name!r} means an agent of a control, and {search.path} has no such control: there is {has}"
        )
    return find(Reader(folder_of(search.path, control)).tree, rest)


def source_of(search: Reader, agent: AgentId) -> Files:
    """The source of an agent of the search or of its controls. Raises `KeyError`, `Damaged`."""
    if agent in search.tree.agents:
        return search.source(agent)
    readers = (Reader(folder_of(search.path, name)) for name in begun(search.path))
    for reader in readers:
        if agent in reader.tree.agents:
            return reader.source(agent)
    raise KeyError(agent)
