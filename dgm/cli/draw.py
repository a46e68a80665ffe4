"""The lineage as lines: columns of numbers, then the branches.

Invariant: works through an explicit stack and keeps its lines short, so a chain of 10,000 agents is no trouble.
"""

from collections.abc import Callable, Iterator

from msgspec import Struct

from dgm import belief
from dgm.clade import Agent
from dgm.text import clip, dollars, short
from dgm.tree import Tree


class Glyphs(Struct, frozen=True):
    fork: str
    last: str
    bar: str
    gap: str
    seed: str
    best: str
    cut: str


UNICODE = Glyphs("├─ ", "└─ ", "│  ", "   ", "● ", "★ ", "⋯")
ASCII = Glyphs("|- ", "`- ", "|  ", "   ", "o ", "* ", "...")
SAMPLE = "├└│●★⋯─"
DEEPEST = 24
"""Levels that are indented; below, the number of the level stands in place of its upper branches."""


def head(tree: Tree) -> str:
    return f"{'agent':<9}{'own':>8}{'clade':>{_clade(tree)}}{'cost':>10}   lineage"


def lines(
    tree: Tree,
    top: Agent | None,
    glyphs: Glyphs,
    width: int,
    depth: int | None = None,
    chosen: set[int] | None = None,
    style: Callable[[str, str], str] = lambda text, style: text,
) -> Iterator[str]:
    """A line an agent, parents first; `depth`: no deeper; `chosen`: only these agents, by index."""
    room = _clade(tree)
    stack: list[tuple[Agent, str, str]] = [(seed, "", "") for seed in reversed(tree.seeds)]
    while stack:
        agent, before, branch = stack.pop()
        shown = [child for child in agent.children if chosen is None or child.index in chosen]
        if depth is not None and agent.depth >= depth:
            shown = []
        numbers = _numbers(agent, room)
        words = _words(agent, agent is top, len(agent.children) - len(shown), glyphs)
        words = clip(words, max(width - 9 - len(numbers) - len(before + branch), 12))
        agent_id = style(f"{short(agent.id):<9}", "cyan")
        yield f"{agent_id}{numbers}{before}{branch}{style(words, 'bold') if agent is top else words}"
        below = _below(before, branch, agent.depth, glyphs)
        stack += [(child, below, glyphs.fork if place else glyphs.last) for place, child in enumerate(reversed(shown))]


def _numbers(agent: Agent, room: int) -> str:
    own = f"{agent.solved}/{agent.evaluations}"
    clade = f"{agent.clade_solved}/{agent.clade_solved + agent.clade_failed}"
    return f"{own:>8}{clade:>{room}}{dollars(agent.usage.usd):>10}   "


def _words(agent: Agent, best: bool, hidden: int, glyphs: Glyphs) -> str:
    marks = (glyphs.seed if agent.parent is None else "") + (glyphs.best if best else "")
    more = f"(+{hidden:,} {'child' if hidden == 1 else 'children'}) " if hidden else ""
    return f"{marks}{more}{agent.summary or ('seed' if agent.parent is None else '')}"


def _clade(tree: Tree) -> int:
    """Columns for the largest clade, which is a seed's."""
    most = max((seed.clade_solved + seed.clade_failed for seed in tree.seeds), default=0)
    return max(2 * len(str(most)) + 4, 9)


def _below(before: str, branch: str, depth: int, glyphs: Glyphs) -> str:
    """What stands before the branches of the children of an agent drawn after `before` and `branch`."""
    if branch:
        before += glyphs.gap if branch == glyphs.last else glyphs.bar
    limit = DEEPEST * len(glyphs.bar)
    if depth <= DEEPEST:
        return before
    mark = f"{glyphs.cut}{depth + 1} "
    return mark + before[-(limit - len(mark)) :] if len(before) > limit else before


def strongest(tree: Tree, epsilon: float, number: int) -> set[int]:
    """The `number` agents with the highest epsilon-quantiles, and all their ancestors."""
    known: dict[tuple[int, int], float] = {}
    for agent in tree.agents.values():
        tally = (agent.solved, agent.failed)
        if tally not in known:
            known[tally] = belief.quantile(*tally, epsilon) if agent.evaluations else 0.0
    ranked = sorted(tree.agents.values(), key=lambda agent: (-known[agent.solved, agent.failed], agent.index))
    chosen: set[int] = set()
    for agent in ranked[:number]:
        above: Agent | None = agent
        while above is not None and above.index not in chosen:
            chosen.add(above.index)
            above = above.parent
    return chosen
