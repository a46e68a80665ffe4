"""`replay --dry-run`, and what is found out before a replay starts.

Invariant: nothing is made, pulled, written or paid for.
"""

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from dgm import run, settings, trust
from dgm.archive import tree_so_far
from dgm.benchmarks import open_benchmark
from dgm.cli import setting
from dgm.cli.advising import prepare_again
from dgm.cli.failing import UNFIT
from dgm.cli.looking import SIMULATION
from dgm.cli.planning import ModelPlan, Stage, staged
from dgm.config import ConfigError
from dgm.ground import Unprepared, unprepared
from dgm.jobs import TaskId
from dgm.protocols import SandboxFault
from dgm.replay import AMENDED, left_of, paid
from dgm.spending import price_of
from dgm.text import count, dollars, fold, note, out, out_json, plain
from dgm.transfer.matrix import Block

if TYPE_CHECKING:
    from dgm.cli.transferring import Asked, Matrix


MOST_NAMED = 60
"""Tasks that are named in a command that is to be typed next."""


class BlockPlan(Struct, frozen=True):
    """A benchmark under a model. `evaluations`: all of them, `done` of which are on record; `upper_bound_usd`: what the
    rest costs, if each job costs all that it may; `unfit`: why it cannot start."""

    benchmark: str
    model: ModelPlan
    tasks: int
    held_out: int
    quarantined: int
    repeats: int
    evaluations: int
    done: int
    sandbox: str
    unfit: str
    usd_per_job: float
    upper_bound_usd: float


class ReplayPlan(Struct, frozen=True):
    """What a replay would do. `upper_bound_usd`: of all that is left to do, under the cap."""

    folder: str
    agents: tuple[str, ...]
    blocks: tuple[BlockPlan, ...]
    usd: float
    spent_usd: float
    upper_bound_usd: float
    simulation: bool


def show_plan(found: "Matrix", as_json: bool) -> None:
    """Exits with `UNFIT` where the replay could not start on this machine."""
    plan = planned(found)
    if as_json:
        out_json(plan)
    else:
        out(*fold(lines(plan), 13))
    if unfit := next((one.unfit for one in plan.blocks if one.unfit), ""):
        sys.stdout.flush()
        note(f"dgm: {plain(unfit)}")
        sys.exit(UNFIT)


def insist(found: "Matrix", asked: "Asked") -> None:
    """Raises `SandboxFault`, `ConfigError` for what keeps any part from starting, before one has started."""
    if asked.path is None:
        trust.insist(settings.own(found.reader.tree.config), asked.trusted)
    for block in found.blocks:
        stage = stage_of(block)
        if stage.unfit and unprepared(block.config, stage.footing):
            raise Unprepared(f"{stage.unfit}. To prepare: {preparing(block, stage.footing.unknown, asked.path)}")
        if stage.unfit:
            raise SandboxFault(stage.unfit)


def preparing(block: Block, tasks: Sequence[TaskId], path: Path | None) -> str:
    """The command that looks at `tasks`, or at the whole benchmark where they are many, under the block's settings."""
    benchmark = block.config.run.benchmark
    usual = setting.load(path, [], benchmark)
    ours = settings.flat(settings.resolved(block.config))
    sets = [
        f"{key}={json.dumps(ours[key])}"
        for key in settings.differences(settings.resolved(usual), settings.resolved(block.config))
        if key.startswith(("sandbox.", "attempt.", "grading."))
    ]
    parts = [word for task in tasks for word in ("--tasks", task)] if len(tasks) <= MOST_NAMED else []
    return prepare_again(benchmark, path, sets, parts)


def stage_of(block: Block) -> Stage:
    """What the first measurement of a block would stand on. Raises `ConfigError`, also for settings that differ from
    those on record."""
    for cell in block.cells:
        tree = tree_so_far(cell.folder)
        benchmark = open_benchmark(cell.config.run.benchmark, cell.config.grading)
        differing = run.changed(tree, settings.resolved(cell.config), benchmark) if tree.config else []
        if refused := [key for key in differing if key not in AMENDED]:
            raise ConfigError(
                f"this replay began with other settings, which differ in {', '.join(refused)}: use the old ones, or "
                "begin another one with --name"
            )
    cell = block.cells[0]
    return staged(cell.config, benchmark, tree_so_far(cell.folder), differing)


def planned(found: "Matrix") -> ReplayPlan:
    blocks = tuple(block_plan(found, block) for block in found.blocks)
    most = sum(block.upper_bound_usd for block in blocks)
    return ReplayPlan(
        folder=str(found.home),
        agents=tuple(one.name for one in found.entrants),
        blocks=blocks,
        usd=found.usd,
        spent_usd=sum(paid(cell.folder) for cell in found.cells),
        upper_bound_usd=min(max(left_of(found.usd, found.cells), 0.0), most),
        simulation=all(block.config.simulated for block in found.blocks),
    )


def block_plan(found: "Matrix", block: Block) -> BlockPlan:
    config, stage = block.config, stage_of(block)
    model, opened = run.models_of(config, open_benchmark(config.run.benchmark, config.grading), os.environ)["solve"]
    price = price_of(model, opened)
    agents = len({one.digest for one in found.entrants})
    tasks = len(stage.footing.selection.tasks)
    done = sum(len(seed.results) for cell in block.cells for seed in tree_so_far(cell.folder).seeds)
    evaluations = tasks * agents * len(block.cells)
    each = config.caps.usd_per_job if price.usd_in or price.usd_out else 0.0
    return BlockPlan(
        benchmark=block.benchmark,
        model=ModelPlan("solve", model.name, price.usd_in * 1e6, price.usd_out * 1e6),
        tasks=tasks,
        held_out=len(block.held_out),
        quarantined=len(stage.footing.quarantined),
        repeats=len(block.cells),
        evaluations=evaluations,
        done=done,
        sandbox=stage.sandbox,
        unfit=stage.unfit,
        usd_per_job=config.caps.usd_per_job,
        upper_bound_usd=max(evaluations - done, 0) * each,
    )


def lines(plan: ReplayPlan) -> list[str]:
    told = [
        f"replay       {plan.folder}",
        f"agents       {len(plan.agents)}: {', '.join(name_of(name) for name in plan.agents)}",
    ]
    for one in plan.blocks:
        model = one.model
        told += [
            f"measured     {plain(one.benchmark)} with {plain(model.name)}, {model.usd_per_million_in:g} USD in and "
            f"{model.usd_per_million_out:g} USD out per million tokens",
            f"             {tasks_words(one.tasks, one.held_out, one.quarantined)}",
            f"             {count(one.evaluations, 'evaluation')}, {one.done:,} done; the rest at most "
            f"{dollars(one.upper_bound_usd)}, {dollars(one.usd_per_job)} a job",
            f"             sandbox {one.sandbox}{f', not usable: {plain(one.unfit)}' if one.unfit else ''}",
        ]
    more = f" more, after {dollars(plan.spent_usd)}" if plan.spent_usd else ""
    told += [
        f"cap          {dollars(plan.usd)} for all of it",
        f"cost         at most {dollars(plan.upper_bound_usd)}{more}",
    ]
    return [*told, *([SIMULATION] if plan.simulation else [])]


def tasks_words(tasks: int, held_out: int, quarantined: int) -> str:
    words = [count(tasks, "task")]
    words += [f"{held_out:,} left out that the run holds out"] if held_out else []
    words += [f"{quarantined:,} left out that cannot be trusted here"] if quarantined else []
    return ", ".join(words)


def name_of(name: str) -> str:
    """An entrant's name, short if it is a hash."""
    return name[:8] if len(name) == 40 else plain(name)
