"""Driving controls: their settings, and how much each is to do.

Invariant: nothing is taken from the cache, so a control's samples are its own and are paid for; and search and controls
together cost no more than `caps.usd_per_run`.
"""

from collections.abc import Callable, Iterator, Mapping
from math import ceil
from pathlib import Path

from msgspec.structs import replace

from dgm import settings
from dgm.archive import Archive, Reader, tree_so_far
from dgm.config import Config, Control
from dgm.controls import POLICY, Spent, begun, folder_of, spent_by
from dgm.files import Files
from dgm.flight import End
from dgm.policies import RESAMPLE
from dgm.policies.budget import affordable
from dgm.policies.metered import metered
from dgm.replay import paid
from dgm.run import Run, start_run
from dgm.tree import Tree

Drive = Callable[[Control, Run, Path], End]
"""Drives a run that was started in a folder to its end."""


def spent_on_controls(search: Path) -> float:
    """Dollars, with what jobs that a killed driver left behind have cost. Raises `Damaged`."""
    return sum(paid(folder_of(search, name)) for name in begun(search))


def run_controls(
    config: Config, search: Path, environ: Mapping[str, str], drive: Drive
) -> Iterator[tuple[Control, End]]:
    """Drive the controls that `config` names, one after the other, each until it has spent what the run in `search`
    has; where that is so already, nothing is done. Ends after one that ended early.

    Raises what `start_run` and `Run.go` raise; what is on record by then is kept.
    """
    reader = Reader(search)
    seed = reader.source(reader.tree.seeds[0].id)
    for name in config.run.controls:
        end = run_control(name, config, reader.tree, search, seed, environ, drive)
        yield name, end
        if end.code:
            return


def run_control(
    name: Control,
    config: Config,
    tree: Tree,
    search: Path,
    seed: Files,
    environ: Mapping[str, str],
    drive: Drive,
) -> End:
    """`tree`: that of the search."""
    folder = folder_of(search, name)
    while True:
        known = tree_so_far(folder)
        wanted = settings_of(name, config, tree, known)
        if known.ended is not None and is_over(known, wanted):
            return End(0, known.ended.reason)
        others = paid(search) + spent_on_controls(search) - paid(folder)
        # What the search accepts, its controls do: it was asked whether its settings may differ from its log's.
        amend = {
            *settings.flat(settings.resolved(wanted)),
            *settings.flat(known.config),
            "benchmark",
            "images",
        }
        with start_run(wanted, folder, environ, amend, {"": seed}, others) as run:
            if name == "resample":
                repeat(run.worker.archive, wanted.run.evaluations)
            end = drive(name, run, folder)
            if end.code or run.worker.archive.tree.next_job == known.next_job:
                return end


def repeat(archive: Archive, evaluations: int) -> None:
    """Let the seed join as often as so many evaluations need it."""
    for number in range(len(archive.tree.seeds) + 1, ceil(evaluations / len(archive.tree.tasks)) + 1):
        archive.repeat(number)


def settings_of(name: Control, config: Config, search: Tree, known: Tree) -> Config:
    """`config`, the search's, as the control has it of which so much is `known`."""
    budget = spent_by(search)
    evaluations = max(needed(name, budget), int(known.config.get("run", {}).get("evaluations", 0)))
    if falls_short(known, budget):  # its evaluations are cheaper than the search's
        evaluations = max(evaluations, ceil(evaluations * budget.usd / metered(known)))
    run = replace(
        config.run,
        tasks=search.tasks,
        subset="",
        sample="random",
        held_out=search.held_out,
        evaluations=evaluations,
        controls=(),
        cache=False,
    )
    policy = replace(
        config.policy,
        name=POLICY[name],
        stop="",
        usd=budget.usd,
        expansion_cost=budget.price,
    )
    return replace(config, run=run, policy=policy)


def needed(name: Control, budget: Spent) -> int:
    """B, in evaluations, by what they and expansions have cost in the search."""
    return max(
        round(budget.worth) if name == "resample" else affordable(budget.worth, budget.price),
        1,
    )


def falls_short(known: Tree, budget: Spent) -> bool:
    """Whether a control came to the end of its evaluations before that of its money, and can do more."""
    ended = known.ended is not None and not known.ended.code and not known.running
    more = len(known.evaluable) or len(known.expandable) or known.config.get("policy", {}).get("name") == RESAMPLE
    return ended and bool(more) and 0 < metered(known) < budget.usd


def is_over(known: Tree, wanted: Config) -> bool:
    """Whether a control has spent what it is to spend."""
    if known.ended is None or known.ended.code or known.running:
        return False
    now = settings.flat(settings.resolved(wanted))
    before = settings.flat(known.config)
    return all(before.get(key) == now[key] for key in ("run.tasks", "run.evaluations", "policy.usd"))
