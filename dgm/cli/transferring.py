"""`replay`: drives a matrix of measurements to its end, and says what it shows.

Invariant: whatever ends it, the table of what is on record is printed, and the same command goes on.
"""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct

from dgm.archive import Reader
from dgm.benchmarks import in_images, open_benchmark
from dgm.cli.advising import typed
from dgm.cli.failing import CAPPED, ERROR, INTERRUPTED, Unable, leave, leave_pipe
from dgm.cli.reading import open_reader, settings_environ
from dgm.config import ConfigError
from dgm.durable import ArchiveBusy, NotWritten, placing
from dgm.flight import End
from dgm.ground import REPLAYS
from dgm.log import Damaged
from dgm.protocols import ModelFault, SandboxFault
from dgm.replay import Cell, Measured, left_of, looked, measured, paid
from dgm.run import Run, models_of
from dgm.text import dollars, note, out, out_json, plain, short
from dgm.transfer import matrix, table
from dgm.transfer.matrix import Block, Entrant, Plan
from dgm.transfer.terms import Options


class Asked(Struct, frozen=True):
    """The arguments and options that say what to replay, as they were typed. `trusted`: as in `dgm.trust.insist`."""

    agents: tuple[str, ...]
    folders: tuple[Path, ...]
    benchmarks: str
    models: str
    usd: float | None
    repeats: int
    name: str
    path: Path | None
    overrides: tuple[str, ...]
    trusted: bool


class Outputs(Struct, frozen=True):
    """Where the table goes beside standard output."""

    csv: Path | None
    figure: Path | None
    predictions: Path | None
    as_json: bool


class Matrix(Struct, frozen=True):
    """All that is asked for, resolved. `usd`: what all cells together may cost."""

    reader: Reader
    home: Path
    plan: Plan
    entrants: tuple[Entrant, ...]
    blocks: tuple[Block, ...]
    usd: float

    @property
    def cells(self) -> list[Cell]:
        """Every benchmark and model once before any is repeated."""
        most = max(len(block.cells) for block in self.blocks)
        return [block.cells[n] for n in range(most) for block in self.blocks if n < len(block.cells)]


def transfer(asked: Asked, archive: Path | None, outputs: Outputs, dry_run: bool) -> None:
    """Ends the process with the exit code of the replay. Raises `ConfigError` and what opening things raises."""
    from dgm.cli.transfer_plan import insist, show_plan

    check_outputs(outputs)
    found = resolved(asked, archive)
    if outputs.predictions and not any(in_images(block.config.run.benchmark) for block in found.blocks):
        raise ConfigError("--predictions: none of these benchmarks is one of SWE-bench's kind")
    if dry_run:
        return show_plan(found, outputs.as_json)
    insist(found, asked)
    agents = matrix.sources(found.reader, found.entrants, found.home)
    matrix.write_plan(found.home, found.plan)
    if all(block.config.simulated for block in found.blocks):
        note("This is a simulation: the scripted model stands in for a real one.")
    from dgm.cli.driving import open_more_files

    open_more_files()
    results: dict[str, Measured] = {cell.folder.name: looked(cell, agents) for cell in found.cells}
    fault: Exception | None = None
    try:
        for one in measured(found.cells, agents, os.environ, found.usd, Driver(found)):
            results[one.cell.folder.name] = one
        end = worst(list(results.values()))
    except KeyboardInterrupt:
        end = End(INTERRUPTED, "before the next job was started")
    except (ConfigError, SandboxFault, ArchiveBusy, Damaged, NotWritten, OSError) as error:
        end, fault = End(ERROR, str(error)), error
    try:
        tell(found, results, end, outputs)
        sys.stdout.flush()
        if fault is None:
            note("", conclusion(found, end))
    except BrokenPipeError:
        leave_pipe(end.code)
    if fault is not None:
        raise fault
    leave(end.code)  # where a call to a model hangs, its thread does too


class Driver:
    """Drives a cell as `dgm run` does, and says which it is."""

    def __init__(self, found: Matrix) -> None:
        self._cells = [cell.folder for cell in found.cells]

    def __call__(self, run: Run, folder: Path) -> End:
        from dgm.cli.driving import steered
        from dgm.cli.transfer_plan import name_of

        config, place = run.worker.config, self._cells.index(folder) + 1
        note(
            f"Measurement {place} of {len(self._cells)}: {plain(run.worker.benchmark.name)} with "
            f"{plain(config.model('solve').name)}, repetition {config.run.repeat + 1}."
        )
        for name, why in run.left_out.items():
            note(f"{name_of(name)} is left out: {plain(why)}.")
        try:
            return steered(run, folder)
        except ModelFault as fault:  # other models may answer
            note(plain(str(fault)))
            return End(ERROR, str(fault))


def worst(results: Sequence[Measured]) -> End:
    """How the whole ended: by a signal, at a cap, for another reason, or well."""
    ends = {one.end.code: one.end for one in reversed(results)}
    return next((ends[code] for code in (INTERRUPTED, CAPPED) if code in ends), ends[max(ends)])


# -------------------------------------------------------------------- what is asked for


def resolved(asked: Asked, archive: Path | None) -> Matrix:
    """Raises `ConfigError`, `Unable`, and what opening an archive, a benchmark or a model raises."""
    from dgm.spending import price_of

    reader = open_reader(archive)
    tree = reader.tree
    if not tree.seeds:
        raise Unable(f"{reader.path} has no agents yet, so there is none to replay")
    benchmarks = words(asked.benchmarks) or [str(tree.config.get("run", {}).get("benchmark", ""))]
    models = words(asked.models) or [""]
    options = Options(asked.path, settings_environ(), asked.overrides)
    name = asked.name or default_name(reader, benchmarks, models, options)
    if matrix.slug(name) != name:
        raise ConfigError(f"--name {name!r} is no name for a folder; {matrix.slug(name)!r} is one")
    home = reader.path / REPLAYS / name
    plan = matrix.read_plan(home)
    if not (asked.agents or asked.folders or plan.entrants):
        raise ConfigError("which AGENT? Give `best`, some digits of a hash, or --agent-dir FOLDER")
    blocks = [
        matrix.block(tree, benchmark, model, options, asked.repeats, home)
        for benchmark in benchmarks
        for model in models
    ]
    folders = [block.cells[0].folder for block in blocks]
    if twice := [folder for folder in folders if folders.count(folder) > 1]:
        raise ConfigError(f"--on and --model name the same twice: {twice[0].name.rpartition('--')[0]}")
    for block in blocks:
        opened = open_benchmark(block.config.run.benchmark, block.config.grading)
        price_of(*models_of(block.config, opened, os.environ)["solve"])
    if moved := matrix.moved(reader, plan, asked.agents):
        note(
            *(
                f"{word} means {short(then)}, as when this replay began; now it is {short(now)}"
                for word, then, now in moved
            )
        )
    entrants = tuple(matrix.enlisted(reader, plan, asked.agents, asked.folders).values())
    usd = asked.usd if asked.usd is not None else max(block.config.caps.usd_per_run for block in blocks)
    return Matrix(reader, home, matrix.planned(plan, entrants, blocks), entrants, tuple(blocks), usd)


def default_name(reader: Reader, benchmarks: Sequence[str], models: Sequence[str], options: Options) -> str:
    ours = reader.tree.config.get("models", {}).get("solve", {}).get("name", "")
    names = [Path(benchmark).name for benchmark in benchmarks]
    return matrix.slug("+".join(names) + "--" + "+".join(model or str(ours) for model in models))


def words(text: str) -> list[str]:
    return list(dict.fromkeys(word.strip() for word in text.split(",") if word.strip()))


def check_outputs(outputs: Outputs) -> None:
    """Raises `ConfigError` now for what could not be written in the end."""
    for option, path in (("--csv", outputs.csv), ("--figure", outputs.figure)):
        if path is not None and (path.is_dir() or not path.parent.is_dir()):
            raise ConfigError(f"{option} {path}: name a file in a folder that is there")
    if outputs.predictions is not None and outputs.predictions.exists() and not outputs.predictions.is_dir():
        raise ConfigError(f"--predictions {outputs.predictions}: that is a file; name a folder")
    if outputs.figure is not None:
        from dgm.transfer.figure import check

        check(outputs.figure)


# -------------------------------------------------------------------- what is said


def tell(found: Matrix, results: dict[str, Measured], end: End, outputs: Outputs) -> None:
    """Raises `OSError` for files that cannot be written, once the table is printed."""
    from dgm.cli.transfer_text import as_value, lines, simulated

    made = table.groups(found.blocks, results, found.entrants)
    spent = sum(paid(cell.folder) for cell in found.cells)
    if outputs.as_json:
        out_json(as_value(found, made, end, spent))
    else:
        out(*lines(found, made, spent))
    if outputs.csv is not None:
        with placing(outputs.csv) as scratch:
            scratch.write_text(table.comma_separated(made), encoding="utf-8")
        note(f"{outputs.csv}: the table")
    if outputs.figure is not None:
        from dgm.transfer.figure import draw

        with placing(outputs.figure) as scratch:
            draw(made, scratch, simulated(found))
        note(f"{outputs.figure}: the figure")
    if outputs.predictions is not None:
        from dgm.cli.predicting import predict

        predict(
            [block for block in found.blocks if in_images(block.config.run.benchmark)],
            list(results.values()),
            found.entrants,
            outputs.predictions,
        )


def conclusion(found: Matrix, end: End) -> str:
    """How it ended, and what to do next."""
    again = "The same command goes on from here."
    if end.code == 0:
        return f"Finished. Look at a measurement: {typed('status', '--archive', str(found.cells[0].folder))}"
    if end.code == CAPPED:
        left = dollars(max(left_of(found.usd, found.cells), 0.0))
        return f"Stopped at a spending cap: {plain(end.reason)} ({left} of --usd left). With a larger --usd it goes on."
    return f"{'Interrupted' if end.code == INTERRUPTED else 'Stopped'}: {plain(end.reason)}. {again}"
