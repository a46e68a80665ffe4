"""How tables are said: as text for terminals, as Markdown and as CSV.

Invariant: shows the numbers of `dgm.simulation.tables`, rounded, and computes none.
"""

import csv
import io
from collections.abc import Sequence
from math import isfinite, isinf, isnan

from msgspec import Struct
from msgspec.structs import asdict

from dgm.simulation.intervals import Estimate
from dgm.simulation.tables import RANDOM, Cell, Setting


class Table(Struct, frozen=True):
    """`rows`: the name first, then a cell for each of `head`, whose first entry names the names."""

    title: str
    remark: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def shown(cells: Sequence[Cell]) -> list[Cell]:
    """Random families are summed up where there are several."""
    summed = any(cell.family == RANDOM for cell in cells)
    return [cell for cell in cells if not (summed and cell.family.startswith("random-"))]


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
