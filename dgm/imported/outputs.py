"""The output folder of a run of the released DGM or HGM code, as values.

The formats, as the code writes them (github.com/jennyzzt/dgm, github.com/metauto-ai/HGM): a folder for each agent,
named by the time at which its making began, with `metadata.json` (parent, brief, lists of task ids by outcome),
`model_patch.diff` against its parent, and reports of evaluations; the root is `initial`. Beside them, JSON objects one
after the other: after each generation in `dgm_metadata.jsonl`, after each event in `hgm_metadata.jsonl`.

Invariant: reads regular files up to a size, follows no link, and takes no value that it has not checked.
"""

import json
import os
import re
import stat
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

from msgspec import Struct

from dgm.text import count

Kind = Literal["DGM", "HGM"]
LOGS: dict[Kind, str] = {"DGM": "dgm_metadata.jsonl", "HGM": "hgm_metadata.jsonl"}
ROOT = "initial"
FOLDERS, REPORTS = 20_000, 200
MB = 1_000_000
LARGEST, TAIL = 32 * MB, 32 * MB
"""Bytes of one file, and of a log: only its end is needed, since each entry holds all agents so far."""
NAME = re.compile(r"[A-Za-z0-9][\w.+-]{0,199}", re.ASCII)
"""What agents and tasks may be called."""
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
    reading = _Reading(folder)
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


def _agent(reading: "_Reading", name: str) -> Found | None:
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
        brief=_text(data.get("problem_statement"), 4_000),
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
        for id in _ids(tally.get(f"total_{name}_ids"), remarks):
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
    return solved, empty, set(_ids(tally.get("total_submitted_ids"), remarks))


def _ids(value: object, remarks: list[str]) -> Iterator[str]:
    if not isinstance(value, list):
        return
    bad = 0
    for id in value[:100_000]:
        if isinstance(id, str) and NAME.fullmatch(id):
            yield id
        else:
            bad += 1
    if bad:
        remarks.append(f"{count(bad, 'id')} of tasks that are none")


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
    return value[:most] if isinstance(value, str) else ""


def _some(names: list[str], most: int = 5) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most:,} more" if len(names) > most else "")


class _Reading:
    """Reads below one folder, and keeps the digest of what it read."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.digest = sha256()
        self.remarks: list[str] = []

    def has(self, path: str) -> bool:
        try:
            return stat.S_ISREG((self.folder / path).lstat().st_mode)
        except OSError:
            return False

    def bytes(self, path: str, most: int = LARGEST, tail: bool = False) -> bytes | None:
        """The content of a regular file; None where there is none. Of one that is too large, the tail or nothing."""
        try:
            handle = os.open(self.folder / path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        except OSError as error:
            self.remarks.append(f"{path} cannot be read: {error.strerror}")
            return None
        with open(handle, "rb") as file:
            status = os.fstat(handle)
            if not stat.S_ISREG(status.st_mode):
                self.remarks.append(f"{path} is no regular file")
                return None
            if status.st_size > most and not tail:
                self.remarks.append(f"{path} is too large: {status.st_size:,} bytes, {most:,} are read at most")
                return None
            file.seek(max(0, status.st_size - most))
            data = file.read(most)
        self.digest.update(f"{path}\0{len(data)}\0".encode() + data)
        return data

    def json(self, path: str) -> Any:
        try:
            return json.loads(self.bytes(path) or b"")
        except (ValueError, RecursionError):
            return None

    def entries(self, path: str) -> Iterator[dict[str, Any]]:
        """The objects that stand one after the other in a file, from its last part if it is long; torn ones less."""
        text = (self.bytes(path, TAIL, tail=True) or b"").decode(errors="replace")
        decoder, torn = json.JSONDecoder(), 0
        at = 0 if text.startswith("{") else text.find("\n{") + 1 or len(text)
        while 0 <= at < len(text):
            try:
                entry, end = decoder.raw_decode(text, at)
            except (ValueError, RecursionError):
                torn, end = torn + 1, at + 1
            else:
                if isinstance(entry, dict):
                    yield entry
            at = text.find("\n{", max(end - 1, 0)) + 1 or len(text)
        if torn:
            self.remarks.append(f"{path}: {count(torn, 'entry')} torn or damaged, and left out")

    def submitted(self, agent: str) -> set[str]:
        """The tasks without an outcome that the reports in an agent's folder name."""
        found: set[str] = set()
        names = sorted(e.name for e in os.scandir(self.folder / agent) if e.name.endswith(".json"))
        for name in [one for one in names if one != "metadata.json"][:REPORTS]:
            report = self.json(f"{agent}/{name}")
            if isinstance(report, dict):
                for key in ("error_ids", "submitted_ids"):  # `incomplete_ids` were never tried
                    found.update(_ids(report.get(key), []))
        return found
