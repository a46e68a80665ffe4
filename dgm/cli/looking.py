"""The commands that look at an archive as a whole: `status`, `tree`, `best`.

Invariant: needs the log alone; neither git nor a numerical library is loaded.
"""

import sys
import time
from pathlib import Path

from dgm.clade import Agent
from dgm.cli import draw
from dgm.cli.reading import archive_folder, driven, open_reader
from dgm.jobs import TaskId
from dgm.policies.conclusion import best
from dgm.report import AgentRow, RunningJob, Status, Tally, row, simulation, status
from dgm.text import (
    clip,
    colourful,
    duration,
    encodable,
    fold,
    out,
    out_json,
    plain,
    short,
    spent,
    styled,
    width,
)
from dgm.tree import Tree
from dgm.watch import budget_words, cap_words, evaluation_words, failure_words, state_words, target_words

MOST = 40
"""Agents in the tree that a run ends with."""
SIMULATION = "simulation: the scripted model stands in for a real one, so nothing here says how good a real agent is"


def show_status(archive: Path | None, as_json: bool) -> None:
    folder = archive_folder(archive)
    alive = driven(folder)
    reader = open_reader(folder)
    now = time.time()
    found = status(reader.tree, alive, now)
    if as_json:
        out_json(found)
    else:
        out(*fold(status_lines(found, folder, now), 13))


def status_lines(found: Status, folder: Path, now: float) -> list[str]:
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
        f"cost         {spent(found.usage)}{cap_words(found)}",
        f"time         {duration(found.wall)} from first to last event, {duration(found.usage.seconds)} of jobs",
    ]
    if found.failures:
        lines.append(f"failures     {failure_words(found.failures)}")
    lines += [f"running      {job_line(job, now)}" for job in found.running[:20]]
    if len(found.running) > 20:
        lines.append(f"             and {len(found.running) - 20} more")
    return [*lines, *([SIMULATION] if found.simulation else [])]


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
    if not tally.solved + tally.failed:
        return "not evaluated yet"
    return (
        f"{tally.solved} of {tally.solved + tally.failed} solved "
        f"(rate {tally.solved / (tally.solved + tally.failed):.2f}, 90 % interval {tally.low:.2f} to {tally.high:.2f})"
    )


def job_line(job: RunningJob, now: float) -> str:
    return f"job {job.id}: {job.kind} {target_words(job)}, for {duration(now - job.started)}"


def show_tree(archive: Path | None, depth: int | None, top: int | None, as_json: bool) -> None:
    tree = open_reader(archive).tree
    leader = best(tree)
    chosen = draw.strongest(tree, tree.epsilon, top) if top is not None else None
    if as_json:
        kept = [one for one in tree.agents.values() if wanted(one, depth, chosen)]
        out_json({"simulation": simulation(tree), "agents": [row(one, leader) for one in kept]})
        return
    out(*drawn(tree, leader, depth, chosen))
    if simulation(tree):
        out(SIMULATION)


def wanted(agent: Agent, depth: int | None, chosen: set[int] | None) -> bool:
    return (depth is None or agent.depth <= depth) and (chosen is None or agent.index in chosen)


def drawn(tree: Tree, leader: Agent | None, depth: int | None = None, chosen: set[int] | None = None) -> list[str]:
    """The lineage as lines, with a head and a legend."""
    glyphs = draw.UNICODE if encodable(draw.SAMPLE, sys.stdout) else draw.ASCII
    style = styled if colourful(sys.stdout) else lambda text, _: text
    legend = f"{glyphs.seed}seed  {glyphs.best}best  own, clade: solved/evaluated  cost: with its expansions"
    lines = draw.lines(tree, leader, glyphs, width(), depth, chosen, style)
    return [style(draw.head(tree), "dim"), *lines, style(legend, "dim")]


def show_best(archive: Path | None, as_json: bool) -> None:
    from dgm.cli.closing import best_lines, best_report

    reader = open_reader(archive)
    found = best_report(reader.tree, reader.path)
    if as_json:
        out_json(found)
    else:
        out(*fold(best_lines(found, archive), 13))
