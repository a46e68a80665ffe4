"""What came of comparing agents of a run on its held-out tasks, and what is left of the search's claim beside it.

Invariant: the outcomes are those of the archives below `validations/`; nothing of them ever enters the run, and reading
here changes nothing.
"""

from collections.abc import Iterable, Sequence
from hashlib import sha256
from pathlib import Path

import msgspec
from msgspec import Struct

from dgm.archive import tree_so_far
from dgm.clade import Agent
from dgm.config import Config
from dgm.controls import known_agents
from dgm.jobs import AgentId, TaskId
from dgm.policies.conclusion import INTERVAL, concluded
from dgm.report import compare, simulation
from dgm.settings import flat, resolved
from dgm.shrinkage import Estimate, claimed, difference, fitted, surviving
from dgm.statistics import LEVEL, Difference, visible
from dgm.tree import Tree
from dgm.uses import FOLDER, Use, earlier, read_uses
from dgm.verdicts import Match, Outcomes, Score, matched, scored

CHOOSING = frozenset(
    f"run.{key}"
    for key in ("seed", "tasks", "subset", "sample", "held_out", "controls", "evaluations", "slots", "repeat")
) | frozenset(("caps.usd_per_run",))
"""Settings, beside those of the policy, that an attempt does not depend on."""


class Validation(Struct, frozen=True):
    """What a use has told. `number`: which use of these tasks it is, from 1; `before`: comparisons made on them in
    earlier uses, which the verdicts are corrected for. `finished`: whether every attempt has come to an end; before,
    all verdicts are undecided. `unfit`: tasks that cannot be trusted on this machine, and do not count. `varied`: how
    often the repeats of an agent at a task differed. `visible`: the least true gain that the other tasks show with a
    chance of 80 %, at best; None where they can show none. `scores`: the baseline's first. `usd`: what the attempts in
    its folder have cost."""

    use: Use
    number: int
    before: int
    finished: bool
    unfit: tuple[TaskId, ...]
    varied: int
    visible: float | None
    scores: tuple[Score, ...]
    matches: tuple[Match, ...]
    usd: float
    simulation: bool

    def match(self, agent: AgentId) -> Match | None:
        return next((one for one in self.matches if one.agent == agent), None)


def folder_of(config: Config, benchmark: str, tasks: Sequence[TaskId]) -> str:
    """A name for attempts that may be compared: those on the same tasks of the same `benchmark` (its version), under
    the same settings but for those that choose."""
    table = flat(resolved(config))
    kept = {key: value for key, value in table.items() if key not in CHOOSING and not key.startswith("policy.")}
    parts = {"settings": kept, "benchmark": benchmark, "tasks": list(tasks)}
    return sha256(msgspec.json.encode(parts, order="deterministic")).hexdigest()[:12]


def validated(archive: Path, tree: Tree, use: Use, uses: Sequence[Use], needs: bool = True) -> Validation:
    """What `use`, one of `uses` of the run `tree` in `archive`, has told so far. `needs`: as in `matched`.

    Raises `Damaged`.
    """
    number, before = earlier(use, uses)
    cells = cells_of(archive, use)
    unfit = tuple(task for task in use.tasks if any(task in cell.quarantined for cell in cells))
    tasks = [task for task in use.tasks if task not in unfit]
    agents = (use.baseline, *use.rivals)
    digests = {id: one.digest for id, one in known_agents(archive, tree, agents).items()}
    outcomes = {id: outcomes_of(digests.get(id, ""), cells, tasks) for id in agents}
    finished = all(settled(digest, cell, tasks) for digest in digests.values() for cell in cells)
    rivals = {id: outcomes[id] for id in use.rivals}
    matches = matched(outcomes[use.baseline], rivals, tasks, before, needs)
    if not finished:
        matches = [msgspec.structs.replace(one, verdict="undecided") for one in matches]
    return Validation(
        use=use,
        number=number,
        before=before,
        finished=finished,
        unfit=unfit,
        varied=sum(len(set(tries)) > 1 for one in outcomes.values() for tries in one.values()),
        visible=visible(len(tasks), len(rivals) + before),
        scores=tuple(scored(id, outcomes[id], use.repeats * len(tasks)) for id in agents),
        matches=tuple(matches),
        usd=sum(cell.spent.usd for cell in cells),
        simulation=simulation(tree),
    )


def standing(archive: Path, tree: Tree, agent: Agent) -> Validation | None:
    """What was last found out about `agent` on held-out tasks, against its seed. Raises `Damaged`."""
    uses = read_uses(archive)
    about = [use for use in uses if agent.id in use.rivals and use.baseline == agent.lineage()[0].id]
    return validated(archive, tree, about[-1], uses, needs=False) if about else None


def between(archive: Path, tree: Tree, ours: Agent, theirs: Agent) -> Match | None:
    """`ours` against `theirs`, by the last finished use that both were in; None where there is none. It is one more
    comparison beside those of that use, and is corrected for them all. Raises `Damaged`."""
    uses = read_uses(archive)
    for use in reversed(uses):
        digests = {one.digest for one in known_agents(archive, tree, (use.baseline, *use.rivals)).values()}
        if {ours.digest, theirs.digest} <= digests and ours.digest != theirs.digest:
            if not validated(archive, tree, use, uses, needs=False).finished:
                continue
            cells = cells_of(archive, use)
            tasks = [task for task in use.tasks if not any(task in cell.quarantined for cell in cells)]
            mine, other = (outcomes_of(agent.digest, cells, tasks) for agent in (ours, theirs))
            before = earlier(use, uses)[1] + len(use.rivals)
            return matched(other, {ours.id: mine}, tasks, before, needs=False)[0]
    return None


def cells_of(archive: Path, use: Use) -> list[Tree]:
    """The attempts, a tree for each repeat. Raises `Damaged`."""
    return [tree_so_far(archive / FOLDER / use.folder / str(n)) for n in range(use.repeats)]


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
