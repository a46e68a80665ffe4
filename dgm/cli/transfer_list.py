"""`replay --list`: the replays of an archive, and how they stand.

Invariant: reads the logs of their measurements and writes nothing.
"""

import sys
from pathlib import Path

from msgspec import Struct

from dgm.archive import LOG, Reader
from dgm.cli.advising import typed
from dgm.cli.failing import CAPPED
from dgm.cli.reading import archive_folder, driven, open_reader
from dgm.ground import REPLAYS
from dgm.log import Damaged
from dgm.replay import paid
from dgm.text import count, dollars, note, out, out_json, plain
from dgm.transfer import matrix
from dgm.transfer.matrix import PLAN


class Listed(Struct, frozen=True):
    """A replay. `evaluations` of `planned` are on record."""

    name: str
    state: str
    agents: int
    benchmarks: tuple[str, ...]
    models: tuple[str, ...]
    measurements: int
    evaluations: int
    planned: int
    usd: float


def show_list(archive: Path | None, as_json: bool) -> None:
    """Raises `Damaged`, once the others are printed."""
    folder = archive_folder(archive)
    open_reader(folder)
    found, damaged = list[Listed](), list[Damaged]()
    for path in sorted((folder / REPLAYS).glob(f"*/{PLAN}")):
        try:
            found.append(listed(path.parent))
        except Damaged as damage:
            damaged.append(damage)
    if as_json:
        out_json({"replays": found})
    elif not found and not damaged:
        note(f"{folder} has no replays yet; {typed('replay', '--help')} says how to make one")
    for one in [] if as_json else found:
        out(
            f"{one.name}: {one.state}",
            f"  {count(one.agents, 'agent')} on {', '.join(map(plain, one.benchmarks))} with "
            f"{', '.join(map(plain, one.models))}, {count(one.measurements, 'measurement')}",
            f"  {one.evaluations:,} of {one.planned:,} evaluations, {dollars(one.usd)}",
        )
    if damaged:
        sys.stdout.flush()
        note(*(plain(str(damage)) for damage in damaged[1:]))
        raise damaged[0]


def listed(home: Path) -> Listed:
    """Raises `Damaged`."""
    plan = matrix.read_plan(home)
    readers = [Reader(home / cell.folder) for cell in plan.cells if (home / cell.folder / LOG).is_file()]
    begun = {reader.path.name: len(reader.tree.tasks) * len(reader.tree.seeds) for reader in readers}
    sources = {one.digest for one in plan.entrants}
    whole = sum(begun.get(cell.folder, cell.tasks * len(sources)) for cell in plan.cells)
    done = sum(reader.tree.evaluations for reader in readers)
    codes = [reader.tree.ended.code if reader.tree.ended else None for reader in readers]
    if any(driven(reader.path) for reader in readers):
        state = "running"
    elif len(codes) == len(plan.cells) and all(code == 0 for code in codes):
        state = "finished"
    else:
        state = "stopped at a spending cap" if CAPPED in codes else "unfinished"
    return Listed(
        name=home.name,
        state=state,
        agents=len(plan.entrants),
        benchmarks=tuple(dict.fromkeys(cell.benchmark for cell in plan.cells)),
        models=tuple(dict.fromkeys(cell.model for cell in plan.cells)),
        measurements=len(plan.cells),
        evaluations=done,
        planned=whole,
        usd=sum(paid(reader.path) for reader in readers),
    )
