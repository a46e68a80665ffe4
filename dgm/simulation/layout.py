"""The tables as text for terminals, as Markdown and as CSV.

Invariant: shows the numbers of `dgm.simulation.tables`, rounded, and computes none.
"""

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from math import isfinite, isinf, isnan

from msgspec import Struct
from msgspec.structs import asdict

from dgm.simulation.intervals import Estimate
from dgm.simulation.tables import NAMED, RANDOM, Cell, Reach, Setting


class Table(Struct, frozen=True):
    """`rows`: the name first, then a cell for each of `head`, whose first entry names the names."""

    title: str
    remark: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def tables(cells: Sequence[Cell], reaches: Sequence[Reach], against: str) -> Iterator[Table]:
    """All tables, those over several settings first."""
    yield from overall(cells, reaches, against)
    yield from by_setting(cells, against)
    for setting, members in _by_setting(cells).items():
        yield from _of_setting(setting, members, against)


def overall(cells: Sequence[Cell], reaches: Sequence[Reach], against: str) -> Iterator[Table]:
    """The tables over several settings, if there are several."""
    by_setting = _by_setting(cells)
    if len(by_setting) > 1:
        yield from _overview(by_setting, against)
    if reaches:
        yield from _reach(reaches, against)


def by_setting(cells: Sequence[Cell], against: str) -> Iterator[Table]:
    """For each policy a row a setting and a column a family, if there are several settings."""
    if len({cell.setting for cell in cells}) == 1:
        return
    some = shown(cells)
    for policy in dict.fromkeys(cell.policy for cell in some):
        members = [cell for cell in some if cell.policy == policy]
        if policy != against:
            remark = "True utility on the same worlds, with 95 % intervals; * where these leave out 0."
            title = f"{policy} minus {against}"
            yield _grid(title, remark, "setting", members, _setting, lambda cell: pm(cell.difference, signed=True))
        remark = "Share of trials in which it holds the true utility on hidden tasks."
        title = f"Coverage of the 90 % interval of {policy}"
        yield _grid(title, remark, "setting", members, _setting, lambda cell: number(cell.coverage, 2))
        remark = "Share of all trials that claim a gain where the true one is 0.005 or less."
        title = f"False claims of {policy}"
        yield _grid(title, remark, "setting", members, _setting, lambda cell: number(cell.false_claims, 3))


def _setting(cell: Cell) -> str:
    return said(cell.setting)


def _by_setting(cells: Sequence[Cell]) -> dict[Setting, list[Cell]]:
    by_setting: dict[Setting, list[Cell]] = {}
    for cell in cells:
        by_setting.setdefault(cell.setting, []).append(cell)
    return by_setting


def _of_setting(setting: Setting, cells: Sequence[Cell], against: str) -> Iterator[Table]:
    where = said(setting)
    some = shown(cells)
    trials = f"{some[0].trials} worlds a family"
    yield _by_family(
        f"True utility, {where}", f"Mean over {trials}, with 95 % intervals.", some, lambda cell: pm(cell.utility)
    )
    if any(cell.policy != against for cell in cells):
        yield _by_family(
            f"Difference to {against}, {where}",
            "On the same worlds, with 95 % intervals; * where these leave out 0.",
            [cell for cell in some if cell.policy != against],
            lambda cell: pm(cell.difference, signed=True),
        )
    if any(cell.curve for cell in cells):
        yield _by_family(
            f"Part of the budget after which it would return what {against} returns in the end, {where}",
            "From the way of each run; - where it never would.",
            some,
            lambda cell: part(cell.reached),
        )
    yield _columns(
        f"Work, {where}",
        "Means; cost in evaluations, makespan in an evaluation's median times; better: share of worlds in which it "
        f"ended higher than {against}, a tie being half of one.",
        _overall(cells),
        {
            "evaluations": lambda cell: f"{cell.evaluations:.0f}",
            "expansions": lambda cell: f"{cell.expansions:.1f}",
            "cost": lambda cell: f"{cell.cost:.0f}",
            "makespan": lambda cell: f"{cell.makespan:.0f}",
            "depth": lambda cell: f"{cell.depth:.1f}",
            "better": lambda cell: number(cell.better, 2),
        },
    )
    yield _columns(
        f"Honesty, {where}",
        "Coverage of the 90 % interval, for true utility on hidden tasks and on those of the search; over-claim: "
        "claimed mean minus true utility; claims: share of trials that claim a gain, false where the true one is 0.005 "
        "or less; worse: share that return an agent below the seed.",
        _overall(cells),
        {
            "coverage": lambda cell: number(cell.coverage, 2),
            "of the search's": lambda cell: number(cell.coverage_visible, 2),
            "over-claim": lambda cell: pm(cell.overclaim, signed=True, mark=False),
            "claims": lambda cell: number(cell.claims, 2),
            "false claims": lambda cell: number(cell.false_claims, 3),
            "worse": lambda cell: number(cell.worse, 2),
        },
    )
    yield _by_family(
        f"Coverage of the 90 % interval, {where}", "For hidden tasks.", some, lambda cell: number(cell.coverage, 2)
    )
    yield _by_family(
        f"False claims of a gain, {where}", "Share of all trials.", some, lambda cell: number(cell.false_claims, 3)
    )


def _overview(by_setting: dict[Setting, list[Cell]], against: str) -> Iterator[Table]:
    names = dict.fromkeys(cell.family for cells in by_setting.values() for cell in _overall(cells))
    for name in names:
        rows = []
        head: list[str] = []
        for setting, cells in by_setting.items():
            members = [cell for cell in cells if cell.family == name]
            if members:
                head = [f"{against} itself", *(cell.policy for cell in members if cell.policy != against)]
                reference = next(cell for cell in members if cell.policy == against)
                others = (pm(cell.difference, signed=True) for cell in members if cell.policy != against)
                rows.append((said(setting), pm(reference.utility), *others))
        if rows:
            yield Table(
                f"Difference to {against} in all settings, {name}",
                "True utility, with 95 % intervals; * where these leave out 0.",
                ("setting", *head),
                tuple(rows),
            )


def _reach(reaches: Sequence[Reach], against: str) -> Iterator[Table]:
    by_setting: dict[Setting, list[Reach]] = {}
    for reach in reaches:
        by_setting.setdefault(reach.setting, []).append(reach)
    for setting, members in by_setting.items():
        named = [one for one in members if not one.family.startswith("random-")]
        families = list(dict.fromkeys(one.family for one in named))
        policies = list(dict.fromkeys(one.policy for one in named))
        by_place = {(one.family, one.policy): ("<=" if one.at_most else "") + part(one.part) for one in named}
        if named:
            yield Table(
                f"Part of {against}'s cost that gives {against}'s utility, {said(setting)}",
                "From whole runs of smaller budgets, interpolated linearly; - where none was enough.",
                ("policy", *families),
                tuple((policy, *(by_place[family, policy] for family in families)) for policy in policies),
            )


def shown(cells: Sequence[Cell]) -> list[Cell]:
    """Random families are summed up where there are several."""
    summed = any(cell.family == RANDOM for cell in cells)
    return [cell for cell in cells if not (summed and cell.family.startswith("random-"))]


def _overall(cells: Sequence[Cell]) -> list[Cell]:
    """The rows over families, or else the only family's."""
    return [cell for cell in cells if cell.family in (NAMED, RANDOM)] or list(cells)


def _by_family(title: str, remark: str, cells: Sequence[Cell], text: Callable[[Cell], str]) -> Table:
    return _grid(title, remark, "policy", cells, lambda cell: cell.policy, text)


def _grid(
    title: str, remark: str, kind: str, cells: Sequence[Cell], name: Callable[[Cell], str], text: Callable[[Cell], str]
) -> Table:
    """A column a family; `kind`: what a row is, and `name`: of which row a cell is."""
    families = list(dict.fromkeys(cell.family for cell in cells))
    by_place = {(name(cell), cell.family): text(cell) for cell in cells}
    names = list(dict.fromkeys(row for row, _ in by_place))
    rows = tuple((row, *(by_place[row, family] for family in families)) for row in names)
    return Table(title, remark, (kind, *families), rows)


def _columns(title: str, remark: str, cells: Sequence[Cell], columns: dict[str, Callable[[Cell], str]]) -> Table:
    several = len({cell.family for cell in cells}) > 1
    rows = []
    for cell in cells:
        name = f"{cell.policy}, {cell.family}" if several else cell.policy
        rows.append((name, *(text(cell) for text in columns.values())))
    return Table(title, remark, ("policy", *columns), tuple(rows))


# -------------------------------------------------------------------- words


def said(setting: Setting) -> str:
    tasks = "" if setting.tasks == 60 else f", {setting.tasks} tasks"
    return f"B {setting.budget:,}, k {setting.k:g}, {setting.slots} slot{'s' * (setting.slots != 1)}{tasks}"


def number(value: float, digits: int, signed: bool = False) -> str:
    """`.511` or `+.045`."""
    if isnan(value):
        return "?"
    text = f"{value:{'+' if signed else ''}.{digits}f}"
    return text.replace("0.", ".", 1) if abs(value) < 1 and not text.lstrip("+-").startswith("1") else text


def pm(estimate: Estimate, signed: bool = False, mark: bool = True) -> str:
    """`+.045±.009`, with a star where a difference is beyond its interval."""
    text = number(estimate.mean, 3, signed)
    if isfinite(estimate.half):
        text += f"±{number(estimate.half, 3)}"
        if signed and mark and abs(estimate.mean) > estimate.half:
            text += "*"
    return text


def part(value: float) -> str:
    return "-" if isinf(value) else number(value, 2)


def text(table: Table, width: int) -> str:
    """Aligned; what is wider than `width` goes on in further blocks of columns."""
    widths = [max(len(row[n]) for row in (table.head, *table.rows)) for n in range(len(table.head))]
    lines = [table.title, f"  {table.remark}"]
    first = 1
    while first < len(widths):
        last = first + 1
        while last < len(widths) and sum(widths[first : last + 1]) + 2 * (last - first + 1) + widths[0] <= width:
            last += 1
        for row in (table.head, *table.rows):
            columns = "".join(f"  {row[n]:>{widths[n]}}" for n in range(first, last))
            lines.append(f"{row[0]:<{widths[0]}}{columns}".rstrip())
        first = last
    return "\n".join(lines) + "\n"


def markdown(table: Table) -> str:
    lines = [
        f"### {table.title}",
        "",
        table.remark,
        "",
        _bar(table.head),
        "|---" + "|--:" * (len(table.head) - 1) + "|",
    ]
    lines += [_bar(row) for row in table.rows]
    return "\n".join(lines) + "\n"


def _bar(row: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |"


def flat(cell: Cell) -> dict[str, object]:
    """A row of a CSV file: numbers alone, four digits, without the curve."""
    values: dict[str, object] = {}
    for name, value in asdict(cell).items():
        if isinstance(value, Setting):
            values |= asdict(value)
        elif isinstance(value, Estimate):
            values |= {name: _short(value.mean), f"{name}_half": _short(value.half)}
        elif name != "curve":
            values[name] = _short(value) if isinstance(value, float) else value
    return values


def _short(value: float) -> str:
    return f"{value:.4f}".rstrip("0").rstrip(".")


def comma_separated(cells: Sequence[Cell]) -> str:
    rows = [flat(cell) for cell in cells]
    file = io.StringIO()
    writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return file.getvalue()
