"""Agents of a run compared on its held-out tasks: who was, when, how often before, and what came of it.

Invariant: a use of the held-out tasks stands in `validations/uses.log` before anything is measured. The outcomes are
those of the archives below `validations/`, and nothing of them ever enters the run: reading here changes nothing.
`archive/README.md` has the format.
"""

import os
from collections.abc import Iterable, Sequence
from hashlib import sha256
from pathlib import Path

import msgspec
from msgspec import Struct

from dgm.archive import LOG, Reader
from dgm.clade import Agent
from dgm.config import Config
from dgm.controls import all_agents
from dgm.durable import sync_folder, write, written
from dgm.jobs import AgentId, TaskId
from dgm.log import HEAD, Damaged, sealing
from dgm.policies.conclusion import INTERVAL, concluded
from dgm.report import compare, simulation
from dgm.settings import flat, resolved
from dgm.shrinkage import Estimate, claimed, difference, fitted, surviving
from dgm.statistics import LEVEL, Difference
from dgm.tree import Tree
from dgm.verdicts import Match, Outcomes, Score, matched, scored

FOLDER, USES, LOCK = "validations", "uses.log", "lock"
CHOOSING = frozenset(
    f"run.{key}"
    for key in ("seed", "tasks", "subset", "sample", "held_out", "controls", "evaluations", "slots", "repeat")
) | frozenset(("caps.usd_per_run",))
"""Settings, beside those of the policy, that an attempt does not depend on."""


class Use(Struct, frozen=True):
    """One look at held-out tasks. `rivals` were compared with `baseline`, the agents of the run, in `repeats` attempts
    a task; `folder`: where below `validations/` the attempts are, an archive for each repeat. `at`: seconds since 1970
    when it began; `champion`: the best agent at that time."""

    at: float
    baseline: AgentId
    champion: AgentId
    rivals: tuple[AgentId, ...]
    repeats: int
    tasks: tuple[TaskId, ...]
    folder: str

    @property
    def looks(self) -> set[tuple[AgentId, AgentId, int, str]]:
        """The comparisons, one each."""
        return {(rival, self.baseline, self.repeats, self.folder) for rival in self.rivals}

    def covers(self, other: "Use") -> bool:
        """Whether all that `other` looks at was looked at here: then it is this use, continued."""
        same = (self.baseline, self.folder) == (other.baseline, other.folder)
        return same and set(other.rivals) <= set(self.rivals) and other.repeats <= self.repeats


class Validation(Struct, frozen=True):
    """What a use has told. `number`: which use of these tasks it is, from 1; `before`: comparisons made on them in
    earlier uses, which the verdicts are corrected for. `finished`: whether every attempt has come to an end; before,
    all verdicts are undecided. `varied`: how often the repeats of an agent at a task differed. `scores`: the
    baseline's first. `usd`: what the attempts in its folder have cost."""

    use: Use
    number: int
    before: int
    finished: bool
    varied: int
    scores: tuple[Score, ...]
    matches: tuple[Match, ...]
    usd: float
    simulation: bool

    def match(self, agent: AgentId) -> Match | None:
        return next((one for one in self.matches if one.agent == agent), None)


# ---------------------------------------------------------------- the record of uses


def read_uses(archive: Path) -> list[Use]:
    """The uses on record, oldest first; none from a torn last line. Raises `Damaged`."""
    return _read(archive)[0]


def recorded(archive: Path, use: Use) -> Use:
    """`use`, which stands in the record when this returns; or the earlier one that it continues.

    The caller holds the lock of the folder. Raises `Damaged`, `NotWritten`.
    """
    uses, crc, size = _read(archive)
    if same := [one for one in uses if one.covers(use)]:
        return same[-1]
    path = archive / FOLDER / USES
    with written(path):
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.ftruncate(handle, size)  # a torn tail never counted
            os.lseek(handle, size, os.SEEK_SET)
            write(handle, sealing(msgspec.json.encode(use), crc)[0])
            os.fsync(handle)
        finally:
            os.close(handle)
        sync_folder(path.parent)
    return use


def _read(archive: Path) -> tuple[list[Use], int, int]:
    """The uses, the checksum of all of them, and the bytes that they take."""
    path = archive / FOLDER / USES
    if not path.is_file():
        if path.parent.is_dir() and any(entry.is_dir() for entry in path.parent.iterdir()):
            raise Damaged(
                f"{path} is lost, so nobody knows how often the held-out tasks were used: restore it from a copy. To "
                f"begin anew, move {path.parent} away, and do not call tasks fresh that were looked at"
            )
        return [], 0, 0
    uses: list[Use] = []
    crc = size = 0
    for number, line in enumerate(path.read_bytes().splitlines(keepends=True), 1):
        if not line.endswith(b"\n"):
            break
        whole, after = sealing(line[HEAD:-1], crc)
        try:
            if whole != line:
                raise ValueError("its checksum does not match it and the lines before it")
            uses.append(msgspec.json.decode(line[HEAD:-1], type=Use))
        except (ValueError, msgspec.DecodeError) as error:
            raise Damaged(
                f"{path} is damaged at line {number}: {error}. Restore it from a copy: without it nobody knows how "
                "often the held-out tasks were used"
            ) from error
        crc, size = after, size + len(line)
    return uses, crc, size


# ---------------------------------------------------------------- what came of it


def folder_of(config: Config, benchmark: str, tasks: Sequence[TaskId]) -> str:
    """A name for attempts that may be compared: those on the same tasks of the same `benchmark` (its version), under
    the same settings but for those that choose."""
    table = flat(resolved(config))
    kept = {key: value for key, value in table.items() if key not in CHOOSING and not key.startswith("policy.")}
    parts = {"settings": kept, "benchmark": benchmark, "tasks": list(tasks)}
    return sha256(msgspec.json.encode(parts, order="deterministic")).hexdigest()[:12]


def validated(archive: Path, tree: Tree, use: Use, uses: Sequence[Use], needs: bool = True) -> Validation:
    """What `use`, one of `uses` of the run `tree` in `archive`, has told so far. Raises `Damaged`."""
    number, before = earlier(use, uses)
    cells = [read_cell(archive / FOLDER / use.folder / str(n)) for n in range(use.repeats)]
    tasks = [task for task in use.tasks if not any(task in cell.quarantined for cell in cells)]
    agents = (use.baseline, *use.rivals)
    known = all_agents(archive, tree)
    digests = {id: known[id].digest for id in agents if id in known}
    outcomes = {id: outcomes_of(digests.get(id, ""), cells, tasks) for id in agents}
    finished = all(settled(digest, cell, tasks) for digest in digests.values() for cell in cells)
    rivals = {id: outcomes[id] for id in use.rivals}
    matches = matched(outcomes[use.baseline], rivals, tasks, before, needs)
    if not finished:
        matches = [msgspec.structs.replace(one, verdict="undecided") for one in matches]
    scores = [scored(id, outcomes[id], use.repeats * len(tasks)) for id in agents]
    usd = sum(cell.spent.usd for cell in cells)
    varied = sum(len(set(tries)) > 1 for one in outcomes.values() for tries in one.values())
    return Validation(use, number, before, finished, varied, tuple(scores), tuple(matches), usd, simulation(tree))


def standing(archive: Path, tree: Tree, agent: Agent) -> Validation | None:
    """What was last found out about `agent` on held-out tasks, against its seed. Raises `Damaged`."""
    uses = read_uses(archive)
    about = [use for use in uses if agent.id in use.rivals and use.baseline == agent.lineage()[0].id]
    return validated(archive, tree, about[-1], uses, needs=False) if about else None


def between(archive: Path, tree: Tree, ours: Agent, theirs: Agent) -> Match | None:
    """`ours` against `theirs`, by the last finished use that both were in; None where there is none. It is one more
    comparison beside those of that use, and is corrected for them all. Raises `Damaged`."""
    uses, known = read_uses(archive), all_agents(archive, tree)
    for use in reversed(uses):
        digests = {known[id].digest for id in (use.baseline, *use.rivals) if id in known}
        if {ours.digest, theirs.digest} <= digests and ours.digest != theirs.digest:
            if not validated(archive, tree, use, uses, needs=False).finished:
                continue
            cells = [read_cell(archive / FOLDER / use.folder / str(n)) for n in range(use.repeats)]
            tasks = [task for task in use.tasks if not any(task in cell.quarantined for cell in cells)]
            mine, other = (outcomes_of(agent.digest, cells, tasks) for agent in (ours, theirs))
            before = earlier(use, uses)[1] + len(use.rivals)
            return matched(other, {ours.id: mine}, tasks, before, needs=False)[0]
    return None


def earlier(use: Use, uses: Sequence[Use]) -> tuple[int, int]:
    """Which use of its tasks it is, from 1; and how many comparisons were made on any of them before it."""
    number, looks = 1, set[tuple[AgentId, AgentId, int, str]]()
    for one in uses:
        if one == use:
            break
        if set(one.tasks) & set(use.tasks):
            number += 1
            looks |= one.looks
    return number, len(looks - use.looks)


def read_cell(folder: Path) -> Tree:
    """An empty tree where nothing was measured yet. Raises `Damaged`."""
    return Reader(folder).tree if (folder / LOG).is_file() else Tree()


def outcomes_of(digest: str, cells: Iterable[Tree], tasks: Iterable[TaskId]) -> Outcomes:
    """Of the agent whose source has `digest`."""
    met = [agent.results for cell in cells for agent in cell.agents.values() if agent.digest == digest]
    return {task: [results[task] for results in met if task in results] for task in tasks}


def settled(digest: str, cell: Tree, tasks: Iterable[TaskId]) -> bool:
    """Whether nothing is left to do of the agent: each task was met, or given up."""
    agent = next((one for one in cell.agents.values() if one.digest == digest), None)
    if agent is None:
        return False
    return all(task in agent.results or agent.misses.get(task, 0) >= cell.patience for task in tasks)


# ---------------------------------------------------------------- the winner's curse


class Claim(Struct, frozen=True):
    """What `source` says of an agent, of the baseline, and of the gain. `level`: of its intervals.

    search     the tallies on the tasks that the agent was chosen by; the gain, on those that both have met
    shrunk     the agent's tally, drawn to the mean of all agents as far as chance asks for it
    policy     what the policy concludes, if it is one that does
    held out   the tasks that nothing was chosen by
    """

    source: str
    agent: Estimate
    baseline: Estimate | None
    gain: Difference
    level: float = LEVEL


def claims(tree: Tree, agent: Agent, baseline: Agent, found: Validation) -> list[Claim]:
    """The claims about `agent`, those of the search first. The baseline was not chosen: its rate is as it is."""
    tally, seed = (agent.solved, agent.failed), claimed((baseline.solved, baseline.failed))
    left = surviving(tally, fitted((one.solved, one.failed) for one in tree.agents.values()))
    told = [
        Claim("search", claimed(tally), seed, compare(agent, baseline).difference),
        Claim("shrunk", left, seed, difference(left, seed)),
    ]
    own = concluded(tree)
    if own is not None and own.agent == agent.id:
        gain = Difference(own.gain, own.gain_low, own.gain_high)
        told.append(Claim("policy", Estimate(own.mean, own.low, own.high), None, gain, INTERVAL))
    scores = {score.agent: Estimate(score.rate, score.low, score.high) for score in found.scores}
    match = found.match(agent.id)
    if match is not None and agent.id in scores:
        told.append(Claim("held out", scores[agent.id], scores.get(baseline.id), match.corrected, match.level))
    return told
