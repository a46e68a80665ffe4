"""The output folder of a run of the released DGM or HGM code, as values.

The formats, as the code writes them (github.com/jennyzzt/dgm, github.com/metauto-ai/HGM): a folder for each agent,
named by the time at which its making began, with `metadata.json` (parent, brief, lists of task ids by outcome),
`model_patch.diff` against its parent, and reports of evaluations; the root is `initial`. Beside them, JSON objects one
after the other: after each generation in `dgm_metadata.jsonl`, after each event in `hgm_metadata.jsonl`.

Invariant: reads regular files up to a size, follows no link, and takes no value that it has not checked.
"""

import os
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from msgspec import Struct

from dgm.imported.folder import NAME, Folder, ids_in
from dgm.text import count

Kind = Literal["DGM", "HGM"]
LOGS: dict[Kind, str] = {"DGM": "dgm_metadata.jsonl", "HGM": "hgm_metadata.jsonl"}
ROOT = "initial"
FOLDERS = 20_000
OUTCOMES = ("resolved", "unresolved", "emptypatch")


class NoOutputs(Exception):
    """A folder that holds no outputs of these systems. The text says what was looked for."""


class Found(Struct, frozen=True):
    """One agent as its folder tells. `solved`: task to outcome; `empty`: tasks for which it left an empty patch, which
    count as unsolved; `unjudged`: tasks that were submitted and have no outcome, which HGM counts as unsolved.
    `began`: seconds since 1970, taken as UTC. `remarks`: what is wrong with its data."""

    name: str
    parent: str | None
    began: float | None
    entry: str = ""
    brief: str = ""
    patch: bytes | None = None
    solved: dict[str, bool] = {}
    empty: frozenset[str] = frozenset()
    unjudged: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    tallied: bool = True
    """Whether its metadata have a tally at all; one without did not get as far as an evaluation."""


class Outputs(Struct, frozen=True):
    """`rejected`: children that DGM's own check did not let into its archive. `digest`: of all that was read."""

    kind: Kind
    agents: dict[str, Found]
    rejected: frozenset[str]
    missing: tuple[str, ...]
    """Agents that the log names and that have no folder, or one that tells nothing."""
    remarks: tuple[str, ...]
    digest: str


def read_outputs(folder: Path) -> Outputs:
    """Raises `NoOutputs`, `OSError`."""
    reading = Folder(folder)
    kind: Kind = "HGM" if reading.has(LOGS["HGM"]) else "DGM"
    names = [entry.name for entry in os.scandir(folder) if entry.is_dir(follow_symlinks=False)]
    fit = sorted(name for name in names if NAME.fullmatch(name))
    if len(fit) > FOLDERS:
        raise NoOutputs(f"{folder} has {len(fit):,} folders; at most {FOLDERS:,} are read")
    agents = {}
    for name in fit:
        if reading.has(f"{name}/metadata.json") and (agent := _agent(reading, name)) is not None:
            agents[name] = agent
    if not agents:
        raise NoOutputs(
            f"{folder} holds no outputs of DGM or HGM: there is no folder with a metadata.json in it. The folder of "
            "one run is meant, such as output_dgm/20250513123456_000000"
        )
    logged = _logged(kind, reading.entries(LOGS[kind]))
    named, rejected, parents = logged.named, logged.rejected, logged.parents
    missing = tuple(sorted(named - agents.keys()))
    for name, parent in parents.items():
        if name in agents and agents[name].parent not in (parent, None):
            reading.remarks.append(f"{name}: its own metadata and the log name different parents; its own is taken")
    counted = {name: len(one.solved) + len(one.unjudged) for name, one in agents.items()}
    if odd := sum(counted.get(name, number) != number for name, number in logged.evaluations.items()):
        reading.remarks.append(
            f"of {count(odd, 'agent')} the log counts other evaluations than there are; the agents' own lists count"
        )
    if not named:
        reading.remarks.append(f"{LOGS[kind]} tells nothing, so every folder with metadata counts as an agent")
    elif stray := sorted(agents.keys() - named - {ROOT}):
        reading.remarks.append(
            f"{count(len(stray), 'folder')} that the log does not name, as of a run that was killed: {_some(stray)}"
        )
    return Outputs(
        kind, agents, frozenset(rejected & agents.keys()), missing, tuple(reading.remarks), reading.digest.hexdigest()
    )


def _agent(reading: Folder, name: str) -> Found | None:
    data = reading.json(f"{name}/metadata.json")
    if not isinstance(data, dict):
        reading.remarks.append(f"{name}: its metadata.json cannot be read")
        return None
    parent = data.get("parent_commit")
    remarks = []
    if name != ROOT and not (isinstance(parent, str) and NAME.fullmatch(parent)):
        parent = None
        remarks.append("its metadata name no parent")
    tallies = [tally for key in ("overall_performance", "overall_performance_deep") if (tally := data.get(key))]
    tally = max((one for one in tallies if isinstance(one, dict)), key=_size, default=None)
    solved, empty, submitted = _outcomes(tally or {}, remarks)
    submitted |= reading.submitted(name)
    return Found(
        name=name,
        parent=None if name == ROOT else parent,
        began=_time(name),
        entry=_text(data.get("entry"), 200),
        brief=_text(data.get("problem_statement"), 40_000),
        patch=None if name == ROOT else reading.bytes(f"{name}/model_patch.diff"),
        solved=solved,
        empty=empty,
        unjudged=tuple(sorted(submitted - solved.keys())),
        remarks=tuple(remarks),
        tallied=tally is not None,
    )


def _size(tally: dict[str, Any]) -> int:
    return sum(len(ids) for name in OUTCOMES if isinstance(ids := tally.get(f"total_{name}_ids"), list))


def _outcomes(tally: dict[str, Any], remarks: list[str]) -> tuple[dict[str, bool], frozenset[str], set[str]]:
    """Task to outcome, the tasks with empty patches, and those that were submitted."""
    counts: dict[str, Counter[str]] = {}
    for name in OUTCOMES:
        for id in ids_in(tally.get(f"total_{name}_ids"), remarks):
            counts.setdefault(id, Counter())[name] += 1
    solved = {id: seen["resolved"] > seen["unresolved"] + seen["emptypatch"] for id, seen in counts.items()}
    if torn := sorted(id for id, seen in counts.items() if seen["resolved"] and seen.total() > seen["resolved"]):
        remarks.append(f"{count(len(torn), 'task')} both solved and not; the majority counts, a tie as unsolved")
    if many := sorted(id for id, seen in counts.items() if seen.total() > 1):
        remarks.append(f"{count(len(many), 'task')} evaluated more than once; one outcome is kept: {_some(many)}")
    rate, said = sum(solved.values()) / max(len(solved), 1), tally.get("accuracy_score")
    said = said if isinstance(said, float) or (isinstance(said, int) and abs(said) < 1e9) else None
    if said is not None and not abs(rate - said) <= 0.005:
        remarks.append(f"its accuracy_score is {said:.3g}, its lists of tasks give {rate:.3g}; the lists count")
    if tally and not counts and said:
        remarks.append("its metadata have a score and no list of tasks, so nothing of it can be carried over")
    total = tally.get("total_submitted_instances")
    if isinstance(total, int) and len(counts) < total < 1e9:
        remarks.append(
            f"{count(total - len(counts), 'evaluation')} of {total:,} that it counts are in none of its lists"
        )
    empty = frozenset(id for id, seen in counts.items() if seen["emptypatch"] and not solved[id])
    return solved, empty, set(ids_in(tally.get("total_submitted_ids"), remarks))


class _Logged(Struct):
    """The agents that the log names, those that DGM's own check rejected, and parents as far as the log has them."""

    named: set[str] = set()
    rejected: set[str] = set()
    parents: dict[str, str] = {}
    evaluations: dict[str, int] = {}
    """How many HGM says it made of each agent, when it last spoke of it."""


def _logged(kind: Kind, entries: Iterator[dict[str, Any]]) -> _Logged:
    log, compiled = _Logged(), set[str]()
    for entry in entries:
        if kind == "HGM":
            _take_nodes(log, entry.get("nodes"))
        else:
            children = _names(entry.get("children"))
            compiled |= _names(entry.get("children_compiled"))
            log.rejected |= children
            log.named |= _names(entry.get("archive")) | children
    log.rejected -= compiled
    log.named.discard(ROOT)
    return log


def _take_nodes(log: _Logged, nodes: object) -> None:
    rows = [row for row in nodes if isinstance(row, dict)] if isinstance(nodes, list) else []
    ids: dict[object, object] = {row["id"]: row.get("commit_id") for row in rows if isinstance(row.get("id"), int)}
    ids[0] = ROOT
    for row in rows:
        above = row.get("parent_id")
        name, parent = row.get("commit_id"), ids.get(above) if isinstance(above, int) else None
        log.named |= _names([name])
        if isinstance(name, str) and isinstance(number := row.get("num_evals"), int):
            log.evaluations[name] = number
        if isinstance(name, str) and isinstance(parent, str):
            log.parents[name] = parent


def _names(value: object) -> set[str]:
    return {one for one in value if isinstance(one, str) and NAME.fullmatch(one)} if isinstance(value, list) else set()


def _time(name: str) -> float | None:
    """The time in a name such as 20250513_123456_123456, or None if it is none of this century's first half."""
    try:
        began = datetime.strptime(name, "%Y%m%d_%H%M%S_%f").replace(tzinfo=UTC)
    except ValueError:
        return None
    return began.timestamp() if 2000 <= began.year < 2050 else None


def _text(value: object, most: int) -> str:
    """At most so many characters, without halves of any, which JSON can hold and a file cannot."""
    return value[:most].encode(errors="replace").decode() if isinstance(value, str) else ""


def _some(names: list[str], most: int = 5) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most:,} more" if len(names) > most else "")
