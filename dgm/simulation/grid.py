"""Many trials on all cores, kept in one file of rows, so that the same command goes on where it was ended.

Invariant: the file holds whole rows of finished trials, each with the code it comes from; rows of different code never
meet in one table.
"""

import csv
import io
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager
from itertools import islice, product
from multiprocessing import active_children, get_context, parent_process
from pathlib import Path

import msgspec
from msgspec import Struct

from dgm.config import ConfigError
from dgm.durable import locked, make_folder, write, written
from dgm.simulation.sources import digest
from dgm.simulation.trial import Ran, Trial, play

FILE = "trials.csv"
CODE = "code"
KEYS, VALUES = Trial.__struct_fields__, Ran.__struct_fields__
COLUMNS = (*KEYS, *VALUES, CODE)
AHEAD = 4
"""Trials a worker that are handed out before their turn."""


class Grid(Struct, frozen=True):
    """All combinations of what is named."""

    policies: tuple[str, ...]
    families: tuple[str, ...]
    seeds: tuple[int, ...]
    budgets: tuple[int, ...] = (800,)
    ks: tuple[float, ...] = (5.0,)
    slots: tuple[int, ...] = (1,)
    tasks: int = 60

    def trials(self) -> Iterator[Trial]:
        """Seed by seed, so that what is there after an interruption is balanced."""
        for seed, budget, k, slots, family, policy in product(
            self.seeds, self.budgets, self.ks, self.slots, self.families, self.policies
        ):
            yield Trial(policy, family, seed, budget, k, slots, self.tasks)

    def __len__(self) -> int:
        parts = (self.seeds, self.budgets, self.ks, self.slots, self.families, self.policies)
        size = 1
        for part in parts:
            size *= len(part)
        return size


Rows = dict[Trial, Ran]


def gather(
    grid: Grid,
    folder: Path | None = None,
    jobs: int = 0,
    curves: bool = True,
    afresh: bool = False,
    told: Callable[[int, int], None] = lambda done, run: None,
) -> Rows:
    """The grid's trials: those that `folder` has, and the others, run now and kept there one by one.

    `jobs`: processes; 0: one a core. `curves`: as in `play`. `afresh`: run those anew that other code has left there.
    `told(done, run)`: how many trials there are, and how many of them were run now. Raises `ConfigError` where rows of
    other code are in the way, `ArchiveBusy`, `NotWritten`, `KeyError` for an unknown family.
    """
    if folder is None:
        return dict(_finished(list(grid.trials()), {}, jobs, curves, told))
    # Asked for before the first trial, so that they tell of the code that is about to be loaded.
    codes = {(policy, family): digest(policy, family) for policy in grid.policies for family in grid.families}
    make_folder(folder)
    with locked(folder / "lock"), written(folder):
        kept = read(folder / FILE)
        usable, stale = _sorted_out(grid, kept, codes, curves)
        if stale and not afresh:
            raise ConfigError(
                f"{folder / FILE}: {len(stale):,} of {len(grid):,} trials were run with other code, such as "
                f"{_named(stale[0])}: name another folder, or run them anew with --afresh"
            )
        again = set(grid.trials()) - set(usable)
        _tidy(folder / FILE, {trial: row for trial, row in kept.items() if trial not in again})
        handle = os.open(folder / FILE, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
        try:
            todo = [trial for trial in grid.trials() if trial in again]
            for trial, ran in _finished(todo, usable, jobs, curves, told):
                write(handle, _line(trial, ran, codes[trial.policy, trial.family]))
                usable[trial] = ran
        finally:
            os.close(handle)
    return {trial: usable[trial] for trial in grid.trials()}


def read(path: Path) -> dict[Trial, tuple[Ran, str]]:
    """The trials of a file, each with its code. What is no whole row, as a killed process leaves it, is left out.

    Raises `ConfigError` for a file with other columns.
    """
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines(keepends=True)
    except FileNotFoundError:
        return {}
    rows = csv.reader(line for line in lines if line.endswith("\n") and "\0" not in line)
    head = next(rows, None)
    if head is not None and tuple(head) != COLUMNS:
        raise ConfigError(f"{path} has other columns than this version writes: name another folder")
    kept: dict[Trial, tuple[Ran, str]] = {}
    for row in rows:
        if len(row) == len(COLUMNS):
            named: dict[str, object] = dict(zip(COLUMNS, row, strict=True))
            named["curve"] = str(named["curve"]).split()
            try:
                trial, ran = (msgspec.convert(named, kind, strict=False) for kind in (Trial, Ran))
            except msgspec.ValidationError:
                continue
            kept.setdefault(trial, (ran, row[-1]))  # type: ignore[arg-type]
    return kept


def _sorted_out(
    grid: Grid, kept: dict[Trial, tuple[Ran, str]], codes: dict[tuple[str, str], str], curves: bool
) -> tuple[Rows, list[Trial]]:
    """Of the grid's trials that are kept: those to be used, and those of other code."""
    usable: Rows = {}
    stale = []
    for trial in grid.trials():
        if trial in kept:
            ran, code = kept[trial]
            if code != codes[trial.policy, trial.family]:
                stale.append(trial)
            elif ran.curve or not curves:
                usable[trial] = ran
    return usable, stale


def _tidy(path: Path, rows: dict[Trial, tuple[Ran, str]]) -> None:
    """Make the file hold `rows` and nothing else, by way of another, unless it does."""
    text = ",".join(COLUMNS).encode() + b"\n" + b"".join(_line(trial, *row) for trial, row in rows.items())
    if path.exists() and path.read_bytes() == text:
        return
    temporary = path.with_suffix(".new")
    temporary.write_bytes(text)
    temporary.replace(path)


def _line(trial: Trial, ran: Ran, code: str) -> bytes:
    values = {**msgspec.structs.asdict(trial), **msgspec.structs.asdict(ran), CODE: code}
    values["curve"] = " ".join(map(str, ran.curve))
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(values[column] for column in COLUMNS)
    return text.getvalue().encode()


def _named(trial: Trial) -> str:
    return f"{trial.policy} in {trial.family}, seed {trial.seed}"


# -------------------------------------------------------------------- running


def _finished(
    todo: Sequence[Trial], done: Rows, jobs: int, curves: bool, told: Callable[[int, int], None]
) -> Iterator[tuple[Trial, Ran]]:
    """Each of `todo` as it ends."""
    have = len(done)
    told(have, 0)
    jobs = min(jobs or len(os.sched_getaffinity(0)), len(todo))
    ended = _here(todo, curves) if jobs <= 1 else _in_processes(todo, curves, jobs)
    for number, result in enumerate(ended, 1):
        yield result
        told(have + number, number)


def _here(todo: Iterable[Trial], curves: bool) -> Iterator[tuple[Trial, Ran]]:
    for trial in todo:
        yield trial, play(trial, curves)


def _in_processes(todo: Iterable[Trial], curves: bool, jobs: int) -> Iterator[tuple[Trial, Ran]]:
    waiting = iter(todo)
    with _pool(jobs) as pool:
        under_way: dict[Future[Ran], Trial] = {}
        while True:
            for trial in islice(waiting, jobs * AHEAD - len(under_way)):
                under_way[pool.submit(play, trial, curves)] = trial
            if not under_way:
                return
            for future in wait(under_way, return_when=FIRST_COMPLETED).done:
                trial = under_way.pop(future)
                error = future.exception()
                if error is not None:
                    error.add_note(f"The trial was {trial}.")
                    raise error
                yield trial, future.result()


@contextmanager
def _pool(jobs: int) -> Iterator[ProcessPoolExecutor]:
    """Processes that end with this one, and with the block, at once."""
    others = set(active_children())
    pool = ProcessPoolExecutor(jobs, get_context("spawn"), _settle)
    try:
        yield pool
    except BaseException:
        for process in set(active_children()) - others:
            process.kill()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def _settle() -> None:
    """What a worker begins with: one thread for its sums, no interest in Ctrl-C, and an end when its parent ends."""
    import signal
    from threading import Thread

    for library in ("OMP", "OPENBLAS", "MKL"):  # read when NumPy is imported, which a worker has not done yet
        os.environ[f"{library}_NUM_THREADS"] = "1"
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=_follow, daemon=True).start()


def _follow() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
