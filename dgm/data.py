"""A run written to files for other tools: tables as CSV or Parquet, the lineage as GraphML, trajectories as JSONL.

Invariant: a file appears whole or not at all, and none that exists is replaced unless that was asked for. Trajectories
are written as they are read, so that a run of any size fits into memory.
"""

from collections.abc import Callable, Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct

from dgm.archive import LOG
from dgm.columns import COLUMNS, INDEXED, TEXT
from dgm.durable import placing
from dgm.frames import TABLES, library
from dgm.opened import OpenedRun
from dgm.text import csv_cell, plain
from dgm.trajectories import redacted

if TYPE_CHECKING:
    from pandas import DataFrame

FILES = (".csv", ".parquet", ".graphml", ".jsonl")
WORDS = ("summary", "reason", "flags")
"""The columns with text that a model, or a task, may have put there."""
LINEAGE, TRAJECTORIES, LEGEND = "lineage.graphml", "trajectories.jsonl", "columns.csv"


class Choice(Struct, frozen=True):
    """What may leave. `roles`, `outcomes`: of trajectories, all where empty; `text`: whether anything that a model, a
    task or a tool said goes along; `keys`: never written."""

    roles: tuple[str, ...] = ()
    outcomes: tuple[str, ...] = ()
    text: bool = True
    keys: frozenset[str] = frozenset()


class Written(Struct):
    """A file, and how much of what is in it. `redacted`: lines that a key was taken out of; `tasks`: whose text is
    there."""

    path: Path
    number: int = 0
    what: str = "row"
    redacted: int = 0
    tasks: int = 0


class Unwritable(Exception):
    """A file that cannot be written as it was asked for. The text says why, and what to do."""


def write(run: OpenedRun, out: Path, choice: Choice, tables: str = "csv", replace: bool = False) -> list[Written]:
    """Write `out`: one file, of the kind that its name ends with, or else all of a run into a folder of that name.

    tables: `csv` or `parquet`, for a folder. Raises `Unwritable`, `MissingLibrary`, `OSError`; nothing has been
    written if it is for the sake of a file that exists.
    """
    if out.suffix in FILES:
        paths = [out]
    elif out.suffix[1:].isalpha() and not out.is_dir():
        raise Unwritable(f"{out}: a file ends in {', '.join(FILES)}; a folder's name has no ending")
    elif (out / LOG).exists():
        raise Unwritable(f"{out} is a run: name another folder")
    else:
        paths = [out / f"{name}.{tables}" for name in TABLES]
        paths += [out / LEGEND, out / LINEAGE, out / TRAJECTORIES]
    writers = [(path, writer_of(path)) for path in paths]
    if not replace and (there := [path for path in paths if path.exists()]):
        raise Unwritable(f"{there[0]} is there already: name another place, or replace what is there with --replace")
    paths[0].parent.mkdir(parents=True, exist_ok=True)
    found = []
    for path, writer in writers:
        with placing(path) as scratch:
            found.append(writer(run, scratch, choice))
        found[-1].path = path
    return found


Writer = Callable[[OpenedRun, Path, Choice], Written]


def writer_of(path: Path) -> Writer:
    """Raises `Unwritable`."""
    name = path.stem
    if path.suffix == ".jsonl":
        return trajectories
    if path.suffix == ".graphml":
        return graph
    if path.name == LEGEND:
        return legend
    if name not in COLUMNS:
        raise Unwritable(f"{path}: which table? Call it {', '.join(COLUMNS)} with {path.suffix}")
    return csv(name) if path.suffix == ".csv" else parquet(name)


def table(run: OpenedRun, name: str, text: bool) -> "DataFrame":
    frame = run.conversations() if name == "conversations" else getattr(run, name)
    frame = frame.reset_index() if name in INDEXED else frame
    return frame if text else frame.drop(columns=[one for one in WORDS if one in frame])


def csv(name: str) -> Writer:
    """A table in which no text can move a cursor or be taken for a formula, so not all of it is word for word."""

    def writer(run: OpenedRun, path: Path, choice: Choice) -> Written:
        frame = table(run, name, choice.text)
        for column in frame:
            if COLUMNS[name][column][0] == TEXT:
                frame[column] = frame[column].map(csv_cell, na_action="ignore")
        frame.to_csv(path, index=False, lineterminator="\n")
        return Written(path, len(frame))

    return writer


def parquet(name: str) -> Writer:
    """A table in which every text is as it was."""

    def writer(run: OpenedRun, path: Path, choice: Choice) -> Written:
        library("pyarrow")
        frame = table(run, name, choice.text)
        frame.to_parquet(path, index=False, engine="pyarrow")
        return Written(path, len(frame))

    return writer


def legend(run: OpenedRun, path: Path, choice: Choice) -> Written:
    rows = [(name, column, *about) for name, columns in COLUMNS.items() for column, about in columns.items()]
    frame = library("pandas").DataFrame(rows, columns=["table", "column", "type", "meaning"])
    frame.to_csv(path, index=False, lineterminator="\n")
    return Written(path, len(frame))


def graph(run: OpenedRun, path: Path, choice: Choice) -> Written:
    """XML has no place for control codes at all, so these are shown as escapes."""
    lineage = run.lineage
    for _, node in lineage.nodes(data=True):
        for name in [one for one in WORDS if one in node and not choice.text]:
            del node[name]
        node.update({name: plain(value) for name, value in node.items() if isinstance(value, str)})
    library("networkx").write_graphml(lineage, path)
    return Written(path, len(lineage), "agent")


def trajectories(run: OpenedRun, path: Path, choice: Choice) -> Written:
    written, tasks = Written(path, 0, "conversation"), set()
    with path.open("wb") as file:
        for one in run.trajectories(choice.roles, choice.outcomes):
            line, changed = clean(one.plain(choice.text), choice.keys)
            file.write(line)
            written.number += 1
            written.redacted += changed
            tasks.add(one.origin.task)
    written.tasks = len(tasks - {None}) if choice.text else 0
    return written


def clean(value: dict[str, Any], keys: Collection[str]) -> tuple[bytes, bool]:
    """`value` as a line of JSON without any of `keys`, and whether one was in it."""
    line = msgspec.json.encode(value) + b"\n"
    if not any(form in line for form in (msgspec.json.encode(key)[1:-1] for key in keys)):
        return line, False
    tidied = msgspec.json.encode(redacted(value, keys)) + b"\n"
    return tidied, tidied != line
