"""`simulate`: policies side by side in worlds with known truth.

Invariant: tables go to standard output, progress to standard error; without `--out` nothing is written.
"""

import ast
import sys
from collections.abc import Callable, Iterable, Sequence
from importlib.util import find_spec
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, TypeVar

from msgspec import Struct
from msgspec.json import decode, encode

from dgm.cli.advising import typed
from dgm.cli.failing import Unable
from dgm.config import ConfigError
from dgm.policies import POLICIES
from dgm.settings import suggestion
from dgm.simulation.families import FITTED, NAMED
from dgm.simulation.grid import FILE, Grid
from dgm.text import colourful, count, duration, note, out, out_json, width

if TYPE_CHECKING:
    from dgm.simulation.layout import Table
    from dgm.simulation.tables import Cell

N = TypeVar("N", int, float)
T = TypeVar("T")


class Wanted(Struct, frozen=True):
    """The options, as they were typed."""

    policies: str
    families: str
    seeds: str
    budget: str
    k: str
    slots: str
    tasks: int
    against: str


def show_list(as_json: bool) -> None:
    policies = {name: first_line(path) for name, path in POLICIES.items()}
    families = {family.name: family.about for family in NAMED} | {
        "random-N": "drawn at random by its number N",
        "fitted:FOLDER": "fitted to the run in that folder",
    }
    if as_json:
        out_json({"policies": policies, "families": families})
        return
    room = max(map(len, (*policies, *families)))
    for title, lines in (("policies", policies), ("families", families)):
        out(title, *(f"  {name:<{room}}  {about}" for name, about in lines.items()))


def first_line(path: str) -> str:
    """What a policy says of itself: the first paragraph of its docstring, or else of its module's. Imports neither."""
    module, _, name = path.rpartition(".")
    spec = find_spec(module)
    tree = ast.parse(Path(spec.origin).read_bytes() if spec and spec.origin else b"")
    named = [node for node in tree.body if isinstance(node, ast.ClassDef | ast.FunctionDef) and node.name == name]
    own = "".join(ast.get_docstring(node) or "" for node in named)
    text = ast.get_docstring(tree) or "" if not own or own.startswith("`") else own
    return " ".join(text.split("\n\n")[0].split())


def simulate(
    wanted: Wanted, folder: Path | None, jobs: int, curves: bool, figures: bool, afresh: bool, as_json: bool
) -> None:
    """Raises `ConfigError`, `Unable`, and what `grid.gather` raises."""
    from concurrent.futures.process import BrokenProcessPool

    from dgm.simulation import layout, pages, tables
    from dgm.simulation.grid import gather

    grid = read_grid(wanted)
    if figures and folder is None:
        raise ConfigError("--figures needs a folder to write to: --out FOLDER")
    if figures:
        from dgm.simulation.figures import check_library

        check_library()
    try:
        rows = gather(grid, folder, jobs, curves, afresh, Progress(len(grid)))
    except BrokenProcessPool:
        raise Unable(
            "a worker died, perhaps for want of memory: take fewer --jobs. With --out, what was finished is kept"
        ) from None
    cells = tables.cells(grid, rows, wanted.against)
    reaches = tables.reaches(cells, wanted.against) if len(grid.budgets) > 1 else []
    if folder is not None:
        write_tables(folder, cells, pages.tables(cells, reaches, wanted.against))
        note(f"{folder}: {FILE}, cells.csv, tables.md")
    if figures and folder is not None:
        from dgm.simulation.figures import draw

        note(*(f"{path}" for path in draw(cells, wanted.against, folder)))
    if as_json:
        out_json(decode(encode({"cells": cells, "reaches": reaches})))  # what is no number becomes null
    else:
        made = pages.tables(cells, reaches, wanted.against)
        if folder is not None and len({cell.setting for cell in cells}) > 1:  # those of each setting are in tables.md
            made = pages.overall(cells, reaches, wanted.against)
        out("\n".join(layout.text(table, width()) for table in made))


def write_tables(folder: Path, cells: "Sequence[Cell]", tables: "Iterable[Table]") -> None:
    from dgm.simulation.layout import comma_separated, markdown

    (folder / "cells.csv").write_text(comma_separated(cells), encoding="utf-8")
    (folder / "tables.md").write_text("\n".join(map(markdown, tables)), encoding="utf-8")


# -------------------------------------------------------------------- reading what was typed


def read_grid(wanted: Wanted) -> Grid:
    """Raises `ConfigError`."""
    policies = read_policies(wanted.policies)
    if wanted.against not in policies:
        policies = (wanted.against, *policies)
    check_policies(policies)
    if wanted.tasks < 1:
        raise ConfigError(f"--tasks {wanted.tasks}: has to be 1 or more")
    return Grid(
        policies,
        read_families(wanted.families),
        read_seeds(wanted.seeds),
        numbers("--budget", wanted.budget, int, 1),
        numbers("--k", wanted.k, float, 0.0),
        numbers("--slots", wanted.slots, int, 1),
        wanted.tasks,
    )


def read_policies(text: str) -> tuple[str, ...]:
    return unique(name for word in words("--policies", text) for name in (POLICIES if word == "all" else [word]))


def check_policies(policies: Iterable[str]) -> None:
    from dgm.policies import open_policy
    from dgm.simulation.trial import settings

    for policy in policies:
        name = policy.partition(":")[0]
        if name not in POLICIES and "." not in name:
            known = ", ".join(POLICIES)
            hint = suggestion(name, list(POLICIES))
            raise ConfigError(f"--policies {name}: no such policy{hint}: one of {known}, `all`, or a dotted path")
        open_policy(settings(policy), 1)


def read_families(text: str) -> tuple[str, ...]:
    """Names, `all` for those that have one, `random-N`, `random-A..B`, `fitted:FOLDER`."""
    known = [family.name for family in NAMED]
    found: list[str] = []
    for word in words("--families", text):
        kind, dash, span = word.partition("-")
        if word == "all":
            found += known
        elif word in known:
            found.append(word)
        elif word.startswith(FITTED):
            check_fitted(Path(word.removeprefix(FITTED)))
            found.append(word)
        elif kind == "random" and dash:
            found += (f"random-{number}" for number in spanned("--families", word, span))
        else:
            raise ConfigError(
                f"--families {word}: no such family{suggestion(word, known)}: one of {', '.join(known)}, `all`, "
                "random-N, random-A..B, or fitted:FOLDER for one like the run in that folder"
            )
    return unique(found)


def check_fitted(folder: Path) -> None:
    """Say what the run in `folder` does not tell. Raises `ConfigError`, `NoArchive`, `Damaged`."""
    from dgm.simulation.fitted import fit_to

    try:
        fitted = fit_to(folder)
    except ValueError as error:
        raise ConfigError(f"--families {FITTED}{error}") from None
    note(
        f"{folder}: fitted to {count(fitted.evaluations, 'evaluation')}, {fitted.children:,} evaluated children; "
        f"an expansion costs {fitted.k:.2g} evaluations there (--k {fitted.k:.2g}). What it does not tell, so that "
        "defaults stand in:"
    )
    note(*(f"  {line}" for line in fitted.defaults))


def read_seeds(text: str) -> tuple[int, ...]:
    """How many, from 0, or a span: `A..B`, both included."""
    if text.isdecimal() and text.isascii() and int(text) > 0:
        return tuple(range(int(text)))
    if ".." in text:
        return tuple(spanned("--seeds", text, text))
    raise ConfigError(f"--seeds {text}: has to be a number of seeds, as in 200, or a span, as in 2000..2199")


def spanned(option: str, word: str, span: str) -> range:
    first, dots, last = span.partition("..")
    last = last if dots else first
    if not (first.isdecimal() and last.isdecimal() and span.isascii()) or int(first) > int(last):
        raise ConfigError(f"{option} {word}: has to be a whole number, or a span from low to high, as in 0..59")
    return range(int(first), int(last) + 1)


def numbers(option: str, text: str, kind: Callable[[str], N], least: N) -> tuple[N, ...]:
    found: list[N] = []
    for word in words(option, text):
        try:
            value = kind(word)
            if not least <= value < 1e9:
                raise ValueError
        except ValueError:
            what = "whole numbers" if kind is int else "numbers"
            raise ConfigError(f"{option} {word}: has to be {what} from {least:g} up, with commas between") from None
        found.append(value)
    return unique(found)


def words(option: str, text: str) -> list[str]:
    found = [word.strip() for word in text.split(",") if word.strip()]
    if not found:
        raise ConfigError(f"{option} is empty: `{typed('simulate', '--list')}` says what there is")
    return found


def unique(values: Iterable[T]) -> tuple[T, ...]:
    return tuple(dict.fromkeys(values))


# -------------------------------------------------------------------- progress


class Progress:
    """How far it is and how long it takes: one line that changes on a terminal, a line a minute elsewhere."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._began = self._told = monotonic()
        self._live = colourful(sys.stderr)

    def __call__(self, done: int, run: int) -> None:
        now = monotonic()
        if not run:
            self._began = self._told = now
            note(f"{count(self._size, 'trial')}{f', {done:,} of them done before' if done else ''}")
        elif done == self._size or now - self._told >= (0.2 if self._live else 60):
            self._told = now
            rate = run / max(now - self._began, 1e-9)
            left = "" if done == self._size else f", {duration((self._size - done) / rate)} left"
            line = f"{done:,} of {self._size:,} trials, {rate:.1f} a second{left}"
            if self._live:
                sys.stderr.write(f"\r\x1b[K{line}" + "\n" * (done == self._size))
                sys.stderr.flush()
            else:
                note(line)
