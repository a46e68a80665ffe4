"""`dgm import`: a finished run of another system, read into an archive.

Invariant: what is carried over and what is not are both said; what the outputs hold is only read.
"""

from pathlib import Path

from dgm.cli.advising import typed
from dgm.cli.failing import Unable
from dgm.imported.outputs import NoOutputs, Outputs, read_outputs
from dgm.imported.seeds import find_seed, is_polyglot, read_seed
from dgm.imported.writing import Carried, carry
from dgm.text import clip, count, fold, note, out, out_json

MOST = 40
"""Lines about what was not carried over."""


def import_run(folder: Path, archive: Path, seed: Path | None, as_json: bool) -> None:
    if not folder.is_dir():
        raise Unable(f"{folder} is no folder")
    try:
        outputs = read_outputs(folder)
    except NoOutputs as error:
        raise Unable(str(error)) from None
    start = seed or find_seed(folder)
    if seed is not None and not seed.is_dir():
        raise Unable(f"{seed} is no folder")
    files = read_seed(start, is_polyglot(tasks_of(outputs))) if start else None
    try:
        carried = carry(outputs, folder.resolve().name, files, archive)
    except FileExistsError as error:
        raise Unable(str(error)) from None
    if as_json:
        out_json(carried)
        return
    out(*fold(lines(carried, archive), 13))
    next_words = [typed(command, "--archive", str(archive)) for command in ("tree", "best")]
    note(f"Look at it with {' or '.join(f'`{words}`' for words in next_words)}.")


def tasks_of(outputs: Outputs) -> frozenset[str]:
    return frozenset(task for agent in outputs.agents.values() for task in agent.solved)


def lines(carried: Carried, archive: Path) -> list[str]:
    known = "all" if carried.rebuilt == carried.agents else f"{carried.rebuilt:,}" if carried.rebuilt else "none"
    going_on = (
        "by `dgm run` with --amend: scores from here on are by other means than those before"
        if carried.runnable
        else "not possible: not every agent follows the agent contract here. Looking at them is"
    )
    return [
        f"archive      {archive}",
        f"from         {carried.kind}, run {clip(carried.run, 100)}, sha256 {carried.digest[:16]} of all that was read",
        f"agents       {count(carried.agents, 'agent')}, sources of {known} known; {carried.stillborn:,} stillborn",
        f"evaluations  {carried.evaluations:,} on {count(carried.tasks, 'task')} of {carried.benchmark}, "
        f"{carried.solved:,} solved; {carried.unjudged:,} without a verdict",
        f"going on     {going_on}",
        *listed("not carried", carried.left_out),
        *listed("remark", carried.remarks),
    ]


def listed(word: str, texts: tuple[str, ...]) -> list[str]:
    shown = [f"{word:<13}{clip(text, 300)}" for text in texts[:MOST]]
    return shown + ([f"{word:<13}and {len(texts) - MOST:,} more; --json has all"] if len(texts) > MOST else [])
