"""`blame --verify`: takes edits back, one at a time, and lets the agent try the claimed tasks with and without them.

Invariant: only claimed tasks are tried, in archives of their own below `blames/`, with new attempts: the outcomes that
made the claim do not count for it.
"""

import os
from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct

from dgm.archive import Reader
from dgm.clade import Agent
from dgm.cli.blaming import named_steps
from dgm.cli.failing import INTERRUPTED, Unable, leave
from dgm.cli.looking import SIMULATION
from dgm.cli.reading import open_reader
from dgm.cli.tracing import INDENT, some_tasks
from dgm.config import Config
from dgm.files import BadFiles, Files
from dgm.flight import End
from dgm.jobs import AgentId, TaskId
from dgm.lineage.blame import by_step, claims
from dgm.lineage.revert import TaskTrial, Trial, reverted, trial
from dgm.replay import Cell, cell_of, measured, paid
from dgm.report import find, simulation
from dgm.settings import build, own
from dgm.text import clip, count, fold, interval, note, out, out_json, plain, points, short, styled
from dgm.tree import Tree
from dgm.trust import insist
from dgm.validation import folder_of

FOLDER = "blames"
AGENT, WITHOUT = "agent", "without"


class Verified(Struct, frozen=True):
    """`usd`: what all attempts in the folders of these trials have cost."""

    agent: AgentId
    simulation: bool
    repeats: int
    trials: tuple[Trial, ...]
    usd: float


class Wanted(Struct, frozen=True):
    """One edit to try without. `problem`: why it cannot be."""

    step: Agent
    tasks: tuple[TaskId, ...]
    source: Files
    cells: tuple[Cell, ...]
    problem: str


def verify_blame(
    name: str, steps: Sequence[str], repeats: int, usd: float | None, trusted: bool, archive: Path | None, as_json: bool
) -> None:
    """`trusted`: as in `dgm.trust.insist`. Ends the process with the code of what came to an end, unless that is 0."""
    reader = open_reader(archive)
    agent = find(reader.tree, name)
    wanted = plan(reader, agent, claimed(reader, agent, steps), repeats)
    insist(own(reader.tree.config), trusted)
    trials, end = tried(reader, agent, wanted, usd)
    spent = sum(paid(cell.folder) for one in wanted for cell in one.cells)
    found = Verified(agent.id, simulation(reader.tree), repeats, tuple(trials), spent)
    if as_json:
        out_json(found)
    else:
        out(*fold(verified_lines(found, [one.step for one in wanted]), INDENT))
    if end.code:
        note(f"dgm: {plain(end.reason)}; the same command goes on from here")
        leave(end.code)


def claimed(reader: Reader, agent: Agent, names: Sequence[str]) -> dict[Agent, tuple[TaskId, ...]]:
    """The steps to try, with their tasks: those that alone can have gained some, or all that named ones may have.

    Raises `NoSuchAgent`, `Unable`.
    """
    if agent.parent is None:
        raise Unable(f"{short(agent.id)} is a seed, which no edit has made: name a later agent")
    steps = by_step(claims(agent))
    if names:
        named = named_steps(reader.tree, agent, names)
        found = {one: (*steps[one.id][0], *steps[one.id][1]) for one in named if one.id in steps}
        if not found:
            told = ", ".join(short(one.id) for one in named)
            raise Unable(f"no task that {short(agent.id)} solved can have been gained by {told}: see `dgm blame`")
        return found
    found = {one: tuple(steps[one.id][0]) for one in agent.lineage() if one.id in steps and steps[one.id][0]}
    if not found:
        raise Unable(
            f"no step alone can have gained a task of {short(agent.id)}: name one with --step, and all that it may "
            "have gained are tried"
        )
    return found


def plan(reader: Reader, agent: Agent, steps: dict[Agent, tuple[TaskId, ...]], repeats: int) -> list[Wanted]:
    """Raises `Damaged`, `ConfigError`."""
    from dgm.benchmarks import open_benchmark

    config = settings_of(reader.tree)
    version = open_benchmark(config.run.benchmark, config.grading).version
    place = reader.path / FOLDER / folder_of(config, version, ())
    found = []
    for step, tasks in steps.items():
        assert step.parent is not None
        source: Files = {}
        problem = ""
        try:
            source = reverted(*(reader.source(one.id) for one in (agent, step, step.parent)))
        except BadFiles as error:
            problem = str(error)
        folder = place / f"{agent.id[:12]}-{step.id[:12]}"
        first = config.run.repeat + 1  # an attempt with the run's own number is the one that made the claim
        cells = [cell_of(config, tasks, folder / str(number), number) for number in range(first, first + repeats)]
        found.append(Wanted(step, tasks, source, () if problem else tuple(cells), problem))
    return found


def settings_of(tree: Tree) -> Config:
    """Those of the run. Raises `Unable` for a run of another system whose agents cannot be started here."""
    if not tree.config.get("imported", {}).get("runnable", True):
        raise Unable(
            "this archive was imported from another system, and not all of its agents follow the agent contract here: "
            "nothing can be tried again"
        )
    return build(own(tree.config))


def tried(reader: Reader, agent: Agent, wanted: Sequence[Wanted], usd: float | None) -> tuple[list[Trial], End]:
    """What came of each, and how it ended. Raises what `dgm.replay.measured` does."""
    from dgm.cli.driving import open_more_files, steered

    config = settings_of(reader.tree)
    budget = usd if usd is not None else config.caps.usd_per_run
    open_more_files()
    attempts = sum(2 * len(one.tasks) * len(one.cells) for one in wanted)
    note(f"{count(len(wanted), 'edit')} to try without: {count(attempts, 'attempt')} in all.")
    every = [cell for one in wanted for cell in one.cells]
    ends, trials = [End(0, "")], []
    for one in wanted:
        if one.problem:
            trials.append(Trial(one.step.id, one.tasks, problem=one.problem))
            continue
        agents = {AGENT: reader.source(agent.id), WITHOUT: one.source}
        others = sum(paid(cell.folder) for cell in every if cell not in one.cells)
        found = list(measured(one.cells, agents, os.environ, max(budget - others, 0.0), steered))
        ends += [cell.end for cell in found if cell.end.code]
        rounds = [(cell.results(AGENT), cell.results(WITHOUT)) for cell in found]
        whole = all(cell.settled(name) for cell in found for name in agents)
        if left_out := next((cell.left_out[WITHOUT] for cell in found if WITHOUT in cell.left_out), ""):
            problem = f"without the edit it fails its smoke test: {left_out}"
            trials.append(Trial(one.step.id, one.tasks, problem=problem))
        else:
            trials.append(trial(one.step.id, one.tasks, rounds, whole, len(wanted)))
        if ends[-1].code == INTERRUPTED:
            break
    return trials, ends[-1]


# ---------------------------------------------------------------- in words


def verified_lines(found: Verified, steps: Sequence[Agent]) -> list[str]:
    names = {step.id: step.summary for step in steps}
    lines = []
    for one in found.trials:
        lines.append(styled(f"{short(one.step):<{INDENT}}{clip(names[one.step] or '(no summary)', 400)}", "bold"))
        lines.append(f"{'tasks':<{INDENT}}{some_tasks(one.tasks)}")
        lines.append(f"{'tried':<{INDENT}}{'; '.join(trial_words(one))}")
        need = [task for task in one.by_task if task.with_edit != task.without]
        lines += [f"{'':<{INDENT}}{task_words(task)}" for task in need]
        lines += [finding_line(one), ""]
    return [*lines, *([SIMULATION] if found.simulation else [])]


def trial_words(one: Trial) -> list[str]:
    if one.problem:
        return [f"not at all: {clip(one.problem, 300)}"]
    if not one.pairs:
        return ["no pair of attempts has come to an end"]
    ours, without = one.both + one.with_only, one.both + one.without_only
    words = [f"with the edit {ours} of {one.pairs} attempts solved, without it {without} of {one.pairs}"]
    words.append(f"{one.with_only} only with it, {one.without_only} only without")
    return [*words, *([f"{one.missing} pairs without a verdict"] if one.missing else [])]


def task_words(one: TaskTrial) -> str:
    return f"{clip(one.task, 100)}: {one.with_edit} of {one.pairs} with it, {one.without} without"


def finding_line(one: Trial) -> str:
    if one.problem:
        return f"{'finding':<{INDENT}}undecided: there is nothing to compare"
    gain = one.difference
    told = f"{points(gain)} points on these tasks, 95 % interval {interval(gain)}"
    why = {
        "confirmed": told,
        "not confirmed": "without the edit it solves as much",
        "undecided": told if one.pairs and one.whole else "not all attempts are made",
    }[one.finding]
    style = {"confirmed": "green", "not confirmed": "yellow", "undecided": "dim"}[one.finding]
    return f"{'finding':<{INDENT}}{styled(one.finding, style)}: {why}"
