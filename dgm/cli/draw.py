"""The lineage as lines: columns of numbers, then the branches.

Invariant: works through an explicit stack and keeps its lines short, so a chain of 10,000 agents is no trouble; every
agent is either on a line or counted on one.
"""

from collections.abc import Callable, Collection, Iterable, Iterator

from msgspec import Struct
from msgspec.structs import replace

from dgm.clade import Agent
from dgm.lineage.forest import Fold, metaproductivity, placed, standing
from dgm.report import Tally
from dgm.text import clip, dollars, short
from dgm.tree import Tree


class Glyphs(Struct, frozen=True):
    """`path_…`: the same on the way to the best agent; `past`: a branch that leaves that way."""

    fork: str
    last: str
    bar: str
    path_fork: str
    path_last: str
    path_bar: str
    past: str
    gap: str
    seed: str
    best: str
    cut: str
    failed: str


UNICODE = Glyphs("├─ ", "└─ ", "│  ", "╠═ ", "╚═ ", "║  ", "╟─ ", "   ", "● ", "★ ", "⋯", "✗")
ASCII = Glyphs("|- ", "`- ", "|  ", "+= ", "+= ", "|  ", "|- ", "   ", "o ", "* ", "..", "x")
ROOMY = 100
"""Columns from which on branches are drawn at full length."""
SAMPLE = "├└│╠╚║╟●★⋯─═✗"
DEEPEST = 24
"""Levels that are indented; below, the number of the level stands in place of its upper branches."""
WORDS = 16
"""Columns that are left to the words, however deep an agent is."""


class Column(Struct, frozen=True):
    """`least`: the narrowest terminal that has it."""

    name: str
    room: int
    least: int
    of: Callable[[Agent], str]


class Picture(Struct, frozen=True):
    """What is drawn. `shown`: agents by index, None for all; `failed`: how many expansions of an agent failed."""

    tree: Tree
    leader: Agent | None
    glyphs: Glyphs
    width: int
    shown: Collection[int] | None = None
    failed: Callable[[str], int] = lambda agent: 0
    style: Callable[[str, str], str] = lambda text, style: text


def compact(glyphs: Glyphs) -> Glyphs:
    """The same with branches that are a column shorter."""
    branches = ("fork", "last", "bar", "path_fork", "path_last", "path_bar", "past", "gap")
    return replace(glyphs, **{name: getattr(glyphs, name)[0] + " " for name in branches})


def columns(tree: Tree, width: int) -> list[Column]:
    """What stands before the branches where there are `width` columns."""
    most = max((seed.clade_solved + seed.clade_failed for seed in tree.seeds), default=0)
    every = [
        Column("own", 7, 0, lambda agent: f"{agent.solved}/{agent.evaluations}"),
        Column("score", 6, 72, lambda agent: percent(agent.rate)),
        Column("90 %", 8, 0, interval),
        Column("clade", max(2 * len(str(most)) + 3, 8), 110, clade),
        Column("CMP", 6, 0, lambda agent: percent(metaproductivity(agent))),
        Column("cost", 9, 80 if tree.spent.usd else 110, lambda agent: dollars(agent.usage.usd)),
    ]
    return [column for column in every if width >= column.least]


def percent(rate: float | None) -> str:
    return "-" if rate is None else f"{rate:.0%}"


def interval(agent: Agent) -> str:
    if not agent.evaluations:
        return "-"
    tally = Tally.of(agent.solved, agent.failed)
    return f"{100 * tally.low:.0f}-{100 * tally.high:.0f}%"


def clade(agent: Agent) -> str:
    return f"{agent.clade_solved}/{agent.clade_solved + agent.clade_failed}"


def head(tree: Tree, width: int) -> str:
    return clip(f"{'agent':<9}{_numbers(columns(tree, width), None)}lineage", width)


def legend(glyphs: Glyphs, width: int, drawn: Iterable[str]) -> list[str]:
    """What the signs that were `drawn` mean, in lines that fit."""
    text = "\n".join(drawn)
    signs = [
        (glyphs.seed, f"{glyphs.seed}seed"),
        (glyphs.best, f"{glyphs.best}best, and {glyphs.path_fork[0]} the way to it"),
        (glyphs.failed, f"{glyphs.failed}N: N expansions of it failed"),
        ("(+", "(+N): N agents below are not shown"),
        (f" {glyphs.cut}", f"{glyphs.cut}N: nor are N above it"),
        (f"{glyphs.cut} ", f"N{glyphs.cut}: on level N"),
        ("", "own: solved/evaluated"),
        ("", "CMP: share solved in the clade"),
    ]
    lines = [""]
    for part in (meaning for sign, meaning in signs if sign in text):
        if lines[-1] and len(lines[-1]) + 2 + len(part) > width:
            lines.append("")
        lines[-1] += ("  " if lines[-1] else "") + part
    return lines


class Place(Struct, frozen=True):
    """Where an agent is drawn: after `lead`, `between` agents below the one above it, on a level; `under`: what stands
    before the branches to its children."""

    agent: Agent
    lead: str = ""
    under: str = ""
    level: int = 0
    between: int = 0


def lines(picture: Picture) -> Iterator[str]:
    """A line for each agent that is shown, parents first."""
    if picture.width < ROOMY and len(picture.glyphs.fork) > 2:
        picture = replace(picture, glyphs=compact(picture.glyphs))
    tree, glyphs, style = picture.tree, picture.glyphs, picture.style
    path = {one.index for one in picture.leader.upwards()} if picture.leader else set()
    shown = range(len(tree.agents)) if picture.shown is None else {*picture.shown, *(s.index for s in tree.seeds)}
    children, folds = placed(tree, shown)
    numbered = columns(tree, picture.width)
    room = picture.width - len(_numbers(numbered, None)) - 9
    deepest = max(min(DEEPEST * len(glyphs.gap), room - WORDS), 9)
    stack = [Place(seed) for seed in reversed(children.get(-1, []))]
    while stack:
        place = stack.pop()
        agent = place.agent
        lead = place.lead
        words = _words(picture, place, folds.get(agent.index))
        words = clip(words, max(room - len(lead), WORDS))
        if agent is picture.leader:
            words = style(words, "bold")
        elif agent.index in path:
            lead = style(lead, "bold") if lead else lead
        yield f"{style(f'{short(agent.id):<9}', 'cyan')}{_numbers(numbered, agent)}{lead}{words}"
        stack += _below(place, children.get(agent.index, []), path, glyphs, deepest)


def _numbers(numbered: list[Column], agent: Agent | None) -> str:
    """A line's columns; their names without an agent."""
    told = (f"{column.name if agent is None else column.of(agent):>{column.room}}" for column in numbered)
    return "".join(told) + "  "


def _words(picture: Picture, place: Place, fold: Fold | None) -> str:
    glyphs, agent = picture.glyphs, place.agent
    marks = (glyphs.seed if agent.parent is None else "") + (glyphs.best if agent is picture.leader else "")
    marks += f"{glyphs.cut}{place.between} " if place.between else ""
    status = standing(picture.tree, agent)
    marks += f"[{status}] " if status != "evaluated" else ""
    marks += f"{glyphs.failed}{failed} " if (failed := picture.failed(agent.id)) else ""
    if fold is not None:
        best = f", best {fold.best.solved}/{fold.best.evaluations}" if fold.best else ""
        marks += f"(+{fold.agents:,}{best}) "
    return marks + (agent.summary or ("seed" if agent.parent is None else ""))


def _below(place: Place, children: list[Agent], path: set[int], glyphs: Glyphs, deepest: int) -> list[Place]:
    """Where the children of the agent at `place` are drawn, the last one first."""
    found = []
    ahead = False
    """Whether the way to the best agent passes by, seen from the last child upwards."""
    for number, child in enumerate(reversed(children)):
        on = child.index in path
        if not number:
            branch, bar = (glyphs.path_last if on else glyphs.last), glyphs.gap
        else:
            branch = glyphs.path_fork if on else glyphs.past if ahead else glyphs.fork
            bar = glyphs.path_bar if ahead else glyphs.bar
        under = _shortened(place.under + bar, place.level + 2, deepest, glyphs)
        between = child.depth - place.agent.depth - 1
        found.append(Place(child, place.under + branch, under, place.level + 1, between))
        ahead = ahead or on
    return found


def _shortened(under: str, level: int, deepest: int, glyphs: Glyphs) -> str:
    """What stands before branches on `level`, at most `deepest` columns with these."""
    if len(under) + len(glyphs.gap) <= deepest:
        return under
    mark = f"{level}{glyphs.cut} "
    left = deepest - len(glyphs.gap) - len(mark)
    return mark + under[-left:] if left > 0 else mark
