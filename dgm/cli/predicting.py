"""`replay --predictions`: the patches of a replay on SWE-bench, ready to be handed in.

Invariant: a file is written whole, and holds an agent's attempts under one model in one repetition.
"""

from collections.abc import Sequence
from pathlib import Path

from dgm.benchmarks import open_benchmark
from dgm.cli.transfer_plan import name_of
from dgm.durable import placing
from dgm.files import Files
from dgm.jobs import TaskId
from dgm.protocols import Patch
from dgm.replay import Measured
from dgm.sandbox import open_sandbox
from dgm.text import clip, count, note
from dgm.transfer.matrix import Block, Entrant, slug
from dgm.transfer.predictions import lines, originals, patches, predictions


def predict(blocks: Sequence[Block], found: Sequence[Measured], entrants: Sequence[Entrant], folder: Path) -> None:
    """Write the predictions of all `blocks` to `folder`. Raises `SandboxFault`, `OSError`."""
    by_folder = {one.cell.folder: one for one in found}
    folder.mkdir(parents=True, exist_ok=True)
    for block in blocks:
        made = {
            (one, repeat): patches(cell, agent)
            for repeat, each in enumerate(block.cells)
            for one in entrants
            if (agent := (cell := by_folder[each.folder]).agent(one.name)) is not None
        }
        before = originals_of(block, list(made.values()))
        for (one, repeat), changes in made.items():
            write(block, one, repeat, changes, before, folder)


def write(
    block: Block,
    one: Entrant,
    repeat: int,
    changes: dict[TaskId, Patch],
    before: dict[TaskId, Files],
    folder: Path,
) -> None:
    name = slug(f"dgm-{name_of(one.name)}-{block.model}")
    again = f"--{repeat}" if len(block.cells) > 1 else ""
    path = folder / f"{slug(block.benchmark)}--{name}{again}.jsonl"
    told = predictions(changes, name, before)
    with placing(path) as scratch:
        scratch.write_text(lines(told), encoding="utf-8")
    note(f"{path}: {count(len(told.predictions), 'prediction')} of {count(len(block.tasks), 'task')}")
    for task, paths in told.left_out.items():
        note(f"  {clip(task, 80)}: without {clip(', '.join(paths), 200)}, which is no text")


def originals_of(block: Block, changes: Sequence[dict[TaskId, Patch]]) -> dict[TaskId, Files]:
    """The tasks' own versions of all files that any agent has touched."""
    config, touched = block.config, dict[TaskId, set[str]]()
    for one in changes:
        for task, patch in one.items():
            touched.setdefault(task, set()).update(patch.changed, patch.deleted)
    benchmark = open_benchmark(config.run.benchmark, config.grading)
    sandbox = open_sandbox(config.sandbox, "predictions", config.simulated)
    try:
        return {
            task: originals(benchmark.task(task), paths, sandbox, config.grading) for task, paths in touched.items()
        }
    finally:
        sandbox.close()
