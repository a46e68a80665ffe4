"""Which tables a grid of trials is told in.

Invariant: shows the numbers of `dgm.simulation.tables` and computes none.
"""

from collections.abc import Callable, Iterator, Sequence

from dgm.simulation.layout import Table, number, part, pm, said, shown
from dgm.simulation.tables import NAMED, RANDOM, Cell, Reach, Setting


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
        yield from _cheaper(cells, against)
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
                reference = next(cell for cell in members if cell.policy == against)
                others = [cell for cell in members if cell.policy != against]
                head = [f"{against} itself", *(title for cell in others for title in (cell.policy, "cost", "makespan"))]
                rows.append((said(setting), pm(reference.utility), *_beside(reference, others)))
        if rows:
            yield Table(
                f"Difference to {against} in all settings, {name}",
                "True utility, with 95 % intervals; * where these leave out 0. Cost and makespan: how many times those "
                f"of {against}.",
                ("setting", *head),
                tuple(rows),
            )


def _beside(reference: Cell, others: Sequence[Cell]) -> Iterator[str]:
    for cell in others:
        yield pm(cell.difference, signed=True)
        yield f"{cell.cost / reference.cost:.2f}"
        yield f"{cell.makespan / reference.makespan:.1f}"


def _cheaper(cells: Sequence[Cell], against: str) -> Iterator[Table]:
    most = max(cell.setting.budget for cell in cells)
    some = shown(cells)
    for policy in dict.fromkeys(cell.policy for cell in some if cell.policy != against):
        yield _grid(
            f"{policy} at a part of the cost minus {against} at B {most:,}",
            "True utility on the same worlds, with 95 % intervals; * where these leave out 0.",
            "setting",
            [cell for cell in some if cell.policy == policy],
            lambda cell: f"{said(cell.setting)}: {number(cell.part, 2)} of the cost",
            lambda cell: pm(cell.behind, signed=True),
        )


def _reach(reaches: Sequence[Reach], against: str) -> Iterator[Table]:
    named = [one for one in reaches if not one.family.startswith("random-")]
    families = tuple(dict.fromkeys(one.family for one in named))
    for policy in dict.fromkeys(one.policy for one in named if one.policy != against):
        parts = {(one.setting, one.family): one for one in named if one.policy == policy}
        rows = []
        for setting in dict.fromkeys(setting for setting, _ in parts):
            line = [parts[setting, family] for family in families]
            rows.append((said(setting), *(("<=" if one.at_most else "") + part(one.part) for one in line)))
        yield Table(
            f"Part of {against}'s cost that gives {policy} {against}'s utility",
            "From whole runs of smaller budgets than the one named, their means interpolated linearly; - where none is "
            "enough, <= where the smallest is.",
            ("setting", *families),
            tuple(rows),
        )


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
