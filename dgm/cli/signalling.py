"""`lineage` without an agent: what all edits of a run did, and how well its scores tell agents apart.

Invariant: every rate comes with its interval; what is not known yet is said to be so.
"""

from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path

from msgspec import Struct

from dgm.archive import Reader
from dgm.clade import Agent
from dgm.cli.looking import SIMULATION
from dgm.cli.reading import open_reader
from dgm.cli.tracing import reading
from dgm.lineage.lines import changed
from dgm.lineage.signals import Discrimination, Distance, Edges, Share, Signals, signals
from dgm.remarks import Remark, remarks
from dgm.report import simulation
from dgm.text import fold, out, out_json, styled, width

ROOMY = 91
"""Columns from which on all columns of the tables are shown."""
EDGES = (("edits", 15), ("children", 9), ("shared", 8), ("kept right", 16), ("fixed wrong", 16), ("differ", 8))
MORE = (("strangers", 10), ("lines", 7))
SCORES = (("evaluations", 11), ("agents", 8), ("each", 6), ("between agents", 23), ("reliability", 12), ("needed", 8))
NARROW = ("edits", "kept right", "fixed wrong", "differ", "evaluations", "agents", "between agents", "reliability")


class SignalsReport(Struct, frozen=True):
    """`remarks`: also what stands still."""

    simulation: bool
    signals: Signals
    remarks: tuple[Remark, ...]


def show_signals(archive: Path | None, as_json: bool) -> None:
    reader = open_reader(archive)
    tree = reader.tree
    found = SignalsReport(simulation(tree), signals(tree, distance=measuring(reader)), remarks(tree))
    if as_json:
        out_json(found)
    else:
        out(*fold(signal_lines(found, width()), 4))


def measuring(reader: Reader) -> Distance:
    """What counts the lines by which a child's source differs from its parent's."""
    source = reading(reader)

    @cache
    def distance(child: Agent) -> int | None:
        assert child.parent is not None
        before, after = source(child.parent.id), source(child.id)
        if before is None or after is None:
            return None
        return sum(file.added + file.removed for file in changed(before, after))

    return distance


def signal_lines(found: SignalsReport, room: int) -> list[str]:
    """`room`: columns that there are."""
    every = found.signals.edges
    lines = ["No agent has a child yet: there is no edit to judge."]
    if every.children:
        rows = [edges_cells(one) for one in (every, *found.signals.by_depth, *found.signals.by_birth)]
        lines = [
            *table((*EDGES, *MORE), rows, room),
            "",
            *key(
                room,
                shared="the tasks that parent and child were both tried on, summed over all pairs",
                kept_right="of the tasks both met that the parent solved, what the child solves too; 95 % interval",
                fixed_wrong="of those that the parent failed, what the child solves",
                differ="those with another outcome than the parent's, which is exploration, and luck",
                strangers="what two agents picked at random would differ by on these tasks",
                lines="how many a child adds and removes, the median of some children",
            ),
        ]
    return [
        *lines,
        "",
        *discrimination_lines(found.signals.discrimination, room),
        *([""] if found.remarks else []),
        *(f"remark: {remark.words}" for remark in found.remarks),
        *([SIMULATION] if found.simulation else []),
    ]


def key(room: int, **columns: str) -> list[str]:
    """What the columns mean, of those that are shown."""
    names = {name.replace("_", " "): words for name, words in columns.items()}
    return [f"{name}: {words}" for name, words in names.items() if shown(name, room)]


def shown(column: str, room: int) -> bool:
    return room >= ROOMY or column in NARROW


def table(columns: Sequence[tuple[str, int]], rows: Iterable[Sequence[str]], room: int) -> list[str]:
    """The first column to the left, the others to the right; the less important ones only where there is room."""
    chosen = [n for n, (name, _) in enumerate(columns) if shown(name, room)]

    def line(cells: Sequence[str]) -> str:
        return "".join(f"{cells[n]:{'>' if n else '<'}{columns[n][1]}}" for n in chosen)

    return [styled(line([name for name, _ in columns]), "dim"), *map(line, rows)]


def edges_cells(one: Edges) -> list[str]:
    return [
        one.name,
        f"{one.children:,}",
        f"{one.shared:,}",
        share_words(one.kept_right),
        share_words(one.fixed_wrong),
        rate_words(one.differing.rate),
        rate_words(one.strangers),
        "-" if one.lines is None else f"{one.lines:g}",
    ]


def share_words(share: Share) -> str:
    if share.rate is None:
        return "-"
    return f"{share.rate:.0%} ({100 * share.low:.0f}-{100 * share.high:.0f}%)"


def rate_words(rate: float | None) -> str:
    return "-" if rate is None else f"{rate:.1%}"


def discrimination_lines(found: Sequence[Discrimination], room: int) -> list[str]:
    told = [one for one in found if one.correlation is not None]
    if not told:
        return ["How well scores tell agents apart cannot be told yet: it takes two agents, and one with two scores."]
    last = told[-1]
    undecided = last.low is None or last.low <= 0
    return [
        *table(SCORES, map(scores_cells, told), room),
        "",
        *key(
            room,
            each="evaluations an agent, the mean",
            between_agents="the part of an outcome's variance that lies between agents, beyond binomial noise (and "
            "which tasks an agent met is part of the noise), with a 95 % interval",
            reliability="the expected correlation of two scores of an agent with as many evaluations as the mean",
            needed="evaluations an agent for a reliability of 0.7",
        ),
        *(["That scores tell these agents apart at all is undecided: 0 is in the interval."] if undecided else []),
    ]


def scores_cells(one: Discrimination) -> list[str]:
    interval = f" ({share(one.low)} to {share(one.high)})" if one.low is not None and one.high is not None else ""
    return [
        f"{one.evaluations:,}",
        f"{one.agents:,}",
        f"{one.each:.1f}",
        f"{share(one.correlation)}{interval}",
        share(one.reliability),
        f"{one.needed:,}" if one.needed is not None else "-",
    ]


def share(number: float | None) -> str:
    """Two digits, and no minus before 0.00."""
    return "-" if number is None else f"{round(number, 2) + 0.0:.2f}"
