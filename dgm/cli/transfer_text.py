"""The transfer table, as text and as JSON.

Invariant: shows the numbers of `dgm.transfer.table`, and computes none.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from dgm.cli.looking import SIMULATION
from dgm.cli.transfer_plan import name_of, tasks_words
from dgm.flight import End
from dgm.simulation.layout import number
from dgm.statistics import Difference
from dgm.text import aligned, clip, count, dollars, fold, plain, styled, width
from dgm.transfer.table import Group, Row, shared

if TYPE_CHECKING:
    from dgm.cli.transferring import Matrix

HEAD = ("agent", "solved", "rate, 95 %", "vs seed, 95 %", "+/-", "p", "verdict", "cost", "remark")
LEFT = (0, len(HEAD) - 1)
"""Columns that begin at the left."""


def as_value(found: "Matrix", groups: Sequence[Group], end: End, spent: float) -> dict[str, Any]:
    return {
        "replay": found.home.name,
        "folder": str(found.home),
        "code": end.code,
        "reason": end.reason,
        "simulation": simulated(found),
        "usd": spent,
        "cap_usd": found.usd,
        "groups": groups,
    }


def simulated(found: "Matrix") -> bool:
    return any(block.config.simulated for block in found.blocks)


def lines(found: "Matrix", groups: Sequence[Group], spent: float) -> list[str]:
    told: list[str] = []
    for group in groups:
        rows = [HEAD, *map(cells, group.rows)]
        table = aligned(rows, LEFT, width())
        told += fold(head(group), 2)
        told += [line if place % len(rows) else styled(line, "dim") for place, line in enumerate(table)]
        told += fold(
            [f"  {label(row)} is left out: {clip(row.left_out, 300)}" for row in group.rows if row.left_out], 4
        )
        told.append("")
    told += fold(remarks(found, groups, spent), 2)
    return told


def head(group: Group) -> list[str]:
    told = [styled(f"{plain(group.benchmark)} with {plain(group.model)}", "bold")]
    told.append(f"  {tasks_words(group.tasks, group.held_out, group.quarantined)}")
    if group.searched:
        told.append(
            f"  {group.searched:,} of them the run has chosen its agents by: there, they look better than they are, so "
            "there is no verdict."
        )
    if group.state:
        told.append(f"  not complete: {plain(group.state)}")
    return told


def label(row: Row) -> str:
    return ("seed " if row.seed else "") + clip(name_of(row.name), 24)


def cells(row: Row) -> tuple[str, ...]:
    if not row.attempts:
        return (label(row), "-", "", "", "", "", "", "", remark(row))
    total = f"{row.tasks}" if row.repeats == 1 else f"{row.tasks} x {row.repeats}"
    gain = row.difference
    return (
        label(row),
        f"{row.solved:.3g}/{total}",
        f"{number(row.rate, 2)} ({number(row.low, 2)} to {number(row.high, 2)})",
        "" if gain is None else signed(gain),
        "" if gain is None else f"+{row.gained}/-{row.lost}",
        "" if row.p is None else f"{row.p:.2g}",
        row.verdict,
        dollars(row.usd) if row.usd else "",
        remark(row),
    )


def signed(gain: Difference) -> str:
    return f"{number(gain.mean, 2, True)} ({number(gain.low, 2, True)} to {number(gain.high, 2, True)})"


def remark(row: Row) -> str:
    """What else one has to know to judge the row."""
    words = [f"{row.missing:,} missing"] if row.missing and not row.left_out else []
    words += [f"{count(row.failures, 'failure')} of the environment"] if row.failures else []
    words += [f"{row.taken:,} paid for before"] if row.taken else []
    return ", ".join(words)


def remarks(found: "Matrix", groups: Sequence[Group], spent: float) -> Iterator[str]:
    for names in shared(found.entrants).values():
        yield f"{' and '.join(map(name_of, names))} have the same source, and were measured once."
    taken = sum(row.taken for digests in map(distinct, groups) for row in digests)
    if taken:
        yield f"{count(taken, 'verdict')} had been paid for before, on the same terms, and cost nothing."
    if any(row.seed and row.left_out for group in groups for row in group.rows):
        yield "Where the seed is left out, there is nothing to compare with."
    yield "In brackets: 95 % intervals. vs seed: paired by task. p, verdict: for all comparisons at once (Holm)."
    yield f"cost {dollars(spent)} of at most {dollars(found.usd)}; {found.home}"
    if simulated(found):
        yield SIMULATION


def distinct(group: Group) -> list[Row]:
    """A row for each source."""
    return list({row.digest: row for row in group.rows}.values())
