"""The commands that look at an archive as a whole: `status`, `tree`, `best`.

Invariant: needs the log alone; neither git nor a numerical library is loaded.
"""

import sys
import time
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

import msgspec

from dgm.archive import Reader
from dgm.clade import Agent
from dgm.cli import draw
from dgm.cli.reading import archive_folder, driven, open_reader
from dgm.controls.standing import Arm, Beside, at_a_glance, standings
from dgm.jobs import TaskId
from dgm.lineage.expansions import Expansions
from dgm.lineage.forest import Standing, interesting, matching, rows, strongest
from dgm.log import Damaged
from dgm.policies.conclusion import best
from dgm.report import AgentRow, RunningJob, Status, Tally, simulation, status
from dgm.text import (
    clip,
    colourful,
    count,
    duration,
    encodable,
    fold,
    note,
    out,
    out_json,
    plain,
    short,
    spent,
    styled,
    width,
)
from dgm.tree import Tree
from dgm.words import budget_words, cap_words, evaluation_words, failure_words, state_words, target_words

MOST = 40
"""Agents in a tree that is folded, as at the end of a run."""
SIMULATION = "simulation: the scripted model stands in for a real one, so nothing here says how good a real agent is"


def show_status(archive: Path | None, as_json: bool) -> None:
    folder = archive_folder(archive)
    alive = driven(folder)
    reader = open_reader(folder)
    now = time.time()
    found = status(reader.tree, alive, now)
    try:
        beside = at_a_glance(folder, reader.tree, now, driven)
    except Damaged as damage:  # of a control: the search can still be looked at
        note(f"dgm: {damage}")
        beside = ()
    if as_json:
        out_json({**msgspec.structs.asdict(found), "controls": beside})
    else:
        out(*fold(status_lines(found, folder, now, beside), 13))


def status_lines(found: Status, folder: Path, now: float, beside: Sequence[Arm] = ()) -> list[str]:
    lines = [
        f"archive      {folder}",
        f"state        {styled(state_words(found), 'green' if found.state in ('running', 'finished') else 'yellow')}",
        *([f"budget       {words}"] if (words := budget_words(found)) else []),
        f"evaluations  {evaluation_words(found)}",
        *(f"remark       {remark.words}" for remark in found.remarks),
        f"tasks        {tasks_line(found.tasks, found.subset, found.sample, found.held_out)}",
        *quarantined_lines(found.quarantined),
        f"agents       {found.agents:,}",
        *(f"{name:<13}{agent_line(one)}" for name, one in (("best", found.best), ("seed", found.seed)) if one),
        *map(control_line, beside),
        f"cost         {spent(found.usage)}{cap_words(found)}",
        f"time         {duration(found.wall)} from first to last event, {duration(found.usage.seconds)} of jobs",
    ]
    if found.failures:
        lines.append(f"failures     {failure_words(found.failures)}")
    lines += [f"running      {job_line(job, now)}" for job in found.running[:20]]
    if len(found.running) > 20:
        lines.append(f"             and {len(found.running) - 20} more")
    return [*lines, *([SIMULATION] if found.simulation else [])]


def control_line(one: Arm) -> str:
    tally = f", best {tally_line(one.tally)}" if one.tally else ""
    return f"control      {one.name}: {one.state}, has spent {one.share:.0%} of what the search has{tally}"


def tasks_line(tasks: int, subset: str, sample: str, held_out: int) -> str:
    words = [f"{tasks:,}"]
    words += [f"from the subset {plain(subset)}"] if subset else []
    words += ["drawn at random" if sample == "random" else f"a {sample} sample"] if sample else []
    words += [f"{held_out:,} more held out"] if held_out else []
    return ", ".join(words)


def quarantined_lines(quarantined: dict[TaskId, str], most: int = 20) -> list[str]:
    """The tasks that do not count, each with the reason."""
    shown = [f"             {plain(task)}: {clip(reason, 200)}" for task, reason in sorted(quarantined.items())]
    more = [f"             and {len(shown) - most:,} more"] if len(shown) > most else []
    return [f"quarantined  {len(shown):,}", *shown[:most], *more] if shown else []


def agent_line(agent: AgentRow) -> str:
    words = f"  {clip(agent.summary, 120)}" if agent.summary else ""
    return f"{short(agent.id)}  {tally_line(Tally.of(agent.solved, agent.failed))}{words}"


def tally_line(tally: Tally) -> str:
    if not tally.total:
        return "not evaluated yet"
    return (
        f"{tally.solved} of {tally.total} solved "
        f"(rate {tally.solved / tally.total:.2f}, 90 % interval {tally.low:.2f} to {tally.high:.2f})"
    )


def job_line(job: RunningJob, now: float) -> str:
    return f"job {job.id}: {job.kind} {target_words(job)}, for {duration(now - job.started)}"


def show_tree(
    archive: Path | None,
    depth: int | None = None,
    top: int | None = None,
    least: float | None = None,
    statuses: Collection[Standing] = (),
    every: bool = False,
    as_json: bool = False,
) -> None:
    """`least`: the lowest score. Without filters, a large tree is folded unless `every` agent is wanted."""
    expansions = Expansions()
    tree = open_reader(archive, expansions).tree
    leader = best(tree)
    filtered = not (depth is None and top is None and least is None and not statuses)
    chosen = None
    if filtered:
        chosen = matching(tree, depth, least, statuses, strongest(tree, tree.epsilon, top) if top else None)
    if as_json:
        kept = [one for one in tree.agents.values() if chosen is None or one.index in chosen]
        out_json({"simulation": simulation(tree), "agents": list(rows(tree, kept, leader, expansions.failed))})
        return
    if not filtered and not every and len(tree.agents) > MOST:
        chosen = interesting(tree, leader, MOST)
    out(*drawn(tree, leader, chosen, expansions.failed))
    if chosen is not None:
        number, every_one = len(chosen), count(len(tree.agents), "agent")
        words = "fit; seeds are always shown." if filtered else "shown, the others folded: --all shows every one."
        note(*fold([f"{number:,} of {every_one} {words}"], 4, sys.stderr))
    if simulation(tree):
        out(*fold([SIMULATION], 4))


def drawn(
    tree: Tree,
    leader: Agent | None,
    shown: Collection[int] | None = None,
    failed: Callable[[str], int] = lambda agent: 0,
) -> list[str]:
    """The lineage as lines, with a head and a legend."""
    glyphs = draw.UNICODE if encodable(draw.SAMPLE, sys.stdout) else draw.ASCII
    style = styled if colourful(sys.stdout) else lambda text, _: text
    room = width()
    picture = draw.Picture(tree, leader, glyphs, room, shown, failed, style)
    lines = list(draw.lines(picture))
    legend = [style(line, "dim") for line in draw.legend(glyphs, room, lines)]
    return [style(draw.head(tree, room), "dim"), *lines, *legend]


def show_best(archive: Path | None, as_json: bool) -> None:
    from dgm.cli.closing import best_lines, best_report
    from dgm.cli.controlling import place_words

    reader = open_reader(archive)
    found = best_report(reader.tree, reader.path)
    if as_json:
        out_json(found)
    else:
        beside = [f"{f'vs {one.standing.name}':<13}{place_words(one)}" for one in all_beside(reader)]
        lines = best_lines(found, archive)
        last = len(lines) - found.simulation
        out(*fold([*lines[:last], *beside, *lines[last:]], 13))


def all_beside(reader: Reader) -> Sequence[Beside]:
    """Its controls beside the search; none where one is damaged, which `dgm controls` says."""
    try:
        found = standings(reader.path, reader.tree, time.time(), driven)
    except Damaged:
        return ()
    return found.controls if found else ()
