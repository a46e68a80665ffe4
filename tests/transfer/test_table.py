"""The transfer table: rates, paired differences, and what may be said of them."""

import csv
import io
from pathlib import Path

import msgspec
import pytest

from dgm.archive import Archive
from dgm.config import Config
from dgm.events import RunConfigured
from dgm.files import File, Files, digest
from dgm.flight import End
from dgm.jobs import Evaluate, Failure, TaskId, Usage, Verdict
from dgm.replay import DONE, Measured, cell_of, ids
from dgm.settings import resolved
from dgm.statistics import paired_difference, wilson
from dgm.transfer.matrix import Block, Entrant
from dgm.transfer.table import Group, comma_separated, groups, rounded

TASKS = tuple(f"toy/{n:02}" for n in range(12))
SOURCES: dict[str, Files] = {name: {"start": File(name.encode())} for name in ("seed", "good", "bad")}
SOURCES["twin"] = SOURCES["good"]
ENTRANTS = [Entrant(digest(files), path=f"/agents/{name}") for name, files in SOURCES.items()]


def cell(folder: Path, solved: dict[str, int], repeat: int = 0, tasks: tuple[TaskId, ...] = TASKS) -> Measured:
    """Each agent solves the first so many tasks."""
    made = cell_of(Config(), tasks, folder / str(repeat), repeat)
    with Archive(made.folder) as archive:
        archive.configure(RunConfigured(1e9, "0", resolved(made.config), tasks, "v", quarantined={TASKS[-1]: "odd"}))
        for name, number in solved.items():
            agent = archive.seed(SOURCES[name])
            for n, task in enumerate(tasks[:-1]):
                job = archive.start(Evaluate(agent, task)).id
                if name == "bad" and not n:
                    archive.finish(job, Failure("infra", "no engine"))
                    continue
                archive.finish(job, Verdict(n < number, Usage(0.5), ("cached: then",) if n < 2 else ()))
        return Measured(made, archive.tree, DONE, ids(archive.tree, SOURCES), {"bad": "silly"} if not solved else {})


def table(*cells: Measured, searched: int = 0) -> Group:
    block = Block("toy", "m", Config(), TASKS, (), searched, tuple(one.cell for one in cells))
    (group,) = groups([block], {one.cell.folder.name: one for one in cells}, ENTRANTS)
    return group


def test_rows_hold_the_numbers_of_the_statistics(tmp_path: Path) -> None:
    group = table(cell(tmp_path, {"seed": 1, "good": 11, "bad": 0}))
    seed, good, bad, twin = group.rows
    assert (group.tasks, group.quarantined) == (11, 1)
    assert (seed.solved, seed.rate, seed.difference, seed.verdict) == (1, pytest.approx(1 / 11), None, "")
    assert (good.low, good.high) == wilson(11, 11)
    assert (good.gained, good.lost, good.pairs) == (10, 0, 11)
    assert good.difference == paired_difference(10, 0, 1)
    assert good.verdict == "improved"
    assert good.p == pytest.approx(2 * 2 * 0.5**10), "corrected for two comparisons: a twin is none"
    assert (twin.difference, twin.usd) == (good.difference, 5.5)
    assert (bad.verdict, bad.missing, bad.complete, bad.failures, bad.pairs) == ("undecided", 1, False, 1, 10)
    assert (seed.taken, good.usd) == (2, 5.5)


def test_there_is_no_verdict_on_tasks_that_the_agents_were_chosen_by(tmp_path: Path) -> None:
    group = table(cell(tmp_path, {"seed": 0, "good": 11}), searched=1)
    assert {row.verdict for row in group.rows} == {""}


def test_who_looks_before_the_end_gets_no_verdict(tmp_path: Path) -> None:
    done = cell(tmp_path, {"seed": 0, "good": 11})
    assert table(done).rows[1].verdict == "improved"
    stopped = Measured(done.cell, done.tree, End(130, "a signal"), done.ids)
    assert {row.verdict for row in table(stopped).rows} == {"", "undecided"}


def test_a_table_is_corrected_for_what_is_yet_to_come(tmp_path: Path) -> None:
    one, two = cell(tmp_path, {"seed": 0, "good": 11}), cell(tmp_path, {}, 1)
    two = msgspec.structs.replace(two, end=End(1, "not begun"))
    blocks = [Block("toy", "m", Config(), TASKS, (), 0, (each.cell,)) for each in (one, two)]
    found = {each.cell.folder.name: each for each in (one, two)}
    assert groups(blocks, found, ENTRANTS)[0].rows[1].p == pytest.approx(4 * 2 * 0.5**11)


def test_repetitions_of_a_task_are_no_new_tasks(tmp_path: Path) -> None:
    cells = [cell(tmp_path, {"seed": 2, "good": 8 + repeat}, repeat) for repeat in range(2)]
    good = table(*cells).rows[1]
    assert (good.repeats, good.tasks, good.attempts, good.solved) == (2, 11, 22, 8.5)
    assert (good.gained, good.pairs) == (7, 11)
    assert good.difference is not None
    assert good.difference.mean == pytest.approx(6.5 / 11)


def test_nothing_measured_makes_rows_that_claim_nothing(tmp_path: Path) -> None:
    empty = cell(tmp_path, {})
    group = table(Measured(empty.cell, empty.tree, End(130, "a signal"), {}, empty.left_out))
    assert [(row.attempts, row.verdict, row.complete) for row in group.rows] == [(0, "", False)] * 4
    assert group.rows[2].left_out == "silly"
    assert group.state == "a signal"


def test_the_csv_holds_every_row(tmp_path: Path) -> None:
    group = table(cell(tmp_path, {"seed": 1, "good": 11}))
    rows = list(csv.DictReader(io.StringIO(comma_separated([group]))))
    assert [row["name"] for row in rows] == ["seed", "good", "bad", "twin"]
    assert float(rows[1]["difference_low"]) == pytest.approx(paired_difference(10, 0, 1).low, abs=1e-5)
    assert (rows[0]["difference"], rows[1]["verdict"], rows[2]["attempts"]) == ("", "improved", "0")
    assert rounded("=1+1\x1b") == "'=1+1\\x1b", "names and reasons come from anywhere"


def test_the_figure_is_drawn_also_of_nothing(tmp_path: Path) -> None:
    from dgm.transfer.figure import draw

    full, empty = table(cell(tmp_path, {"seed": 1, "good": 11})), table(cell(tmp_path / "e", {}))
    draw([full, empty], tmp_path / "both.png", True)
    draw([empty], tmp_path / "empty.svg", False)
    assert (tmp_path / "both.png").stat().st_size > 10_000
