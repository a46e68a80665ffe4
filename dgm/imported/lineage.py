"""Who descends from whom in an output, and what each agent's source is.

Invariant: parents before children, each agent once, however the output's own words contradict each other; a source is
either what the patches exactly give, or is said to be unknown.
"""

from heapq import heappop, heappush

from msgspec import Struct

from dgm.files import BadFiles, File, Files
from dgm.imported.outputs import ROOT, Found, Outputs
from dgm.imported.patches import BadPatch, apply

UNKNOWN = "UNKNOWN.md"
NO_SOURCE = b"The source of this agent is not known: the outputs that it was imported from hold at most a patch.\n"


class Placed(Struct, frozen=True):
    """`lost`: agents from which no way leads to the root, with the reason."""

    order: list[Found]
    lost: dict[str, str]


class Source(Struct, frozen=True):
    """`why`: why these files are not the agent's source; empty where they are. `skipped`: as in `patches`."""

    files: Files
    why: str = ""
    skipped: tuple[tuple[str, str], ...] = ()


def placed(outputs: Outputs) -> Placed:
    """The agents so that each comes after its parent, and else by the time at which they began."""
    agents = outputs.agents
    children: dict[str, list[str]] = {}
    for agent in agents.values():
        if agent.parent is not None and agent.name != ROOT:
            children.setdefault(agent.parent, []).append(agent.name)
    order, ready = [], [(0.0, ROOT)]
    while ready:
        _, name = heappop(ready)
        order.append(agents.get(name) or Found(ROOT, None, None, tallied=False))
        for child in children.get(name, ()):
            heappush(ready, (agents[child].began or float("inf"), child))
    known = {agent.name for agent in order}
    lost = {agent.name: _why(agent, outputs) for agent in agents.values() if agent.name not in known}
    return Placed(order, lost)


def _why(agent: Found, outputs: Outputs) -> str:
    seen = {agent.name}
    while (parent := agent.parent) is not None:
        if parent in seen:
            return "its ancestors lead in a circle"
        if parent not in outputs.agents:
            return f"its ancestor {parent} has no folder that tells of it"
        seen.add(parent)
        agent = outputs.agents[parent]
    return f"{agent.name} names no parent"


def source(agent: Found, parent: Source | None, seed: Files | None) -> Source:
    """The source of `agent`, from its parent's and its patch. Those of a root: `parent` is None."""
    if parent is None:
        return Source(seed) if seed is not None else _unknown(b"", "the seed is not among the outputs")
    if agent.patch is None or not agent.patch.strip():
        return _unknown(b"", "it left no patch")
    if parent.why:
        return _unknown(agent.patch, "the source of its parent is not known" if seed is not None else "no seed")
    try:
        done = apply(parent.files, agent.patch)
    except (BadPatch, BadFiles) as error:
        return _unknown(agent.patch, f"its patch does not fit: {error}")
    return Source(done.files, "", done.skipped)


def _unknown(patch: bytes, why: str) -> Source:
    return Source({"model_patch.diff": File(patch)} if patch.strip() else {UNKNOWN: File(NO_SOURCE)}, why)
