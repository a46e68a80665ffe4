"""What a run stands on: tasks that can be trusted, and images that mean what they meant when it began.

Invariant: once a run has begun, its log decides; what is found out later changes nothing that was not named.
"""

from collections.abc import Collection, Mapping
from contextlib import suppress
from pathlib import Path

import msgspec
from msgspec import Struct

from dgm.archive import LOG, Reader
from dgm.benchmarks import is_proven
from dgm.config import Config, ConfigError, RunConfig
from dgm.jobs import TaskId
from dgm.protocols import Benchmark, Sandbox, SandboxFault
from dgm.readiness import Findings
from dgm.selection import Selection, selected, settled
from dgm.tree import Tree

REPLAYS = "replays"
"""The folder of an archive that holds its replays."""


class Unprepared(SandboxFault):
    """Tasks that nobody has looked at keep a run from starting."""


class Footing(Struct, frozen=True):
    """What a run stands on: its tasks, those that were left out with the reason, and those that nothing is known of."""

    selection: Selection
    quarantined: dict[TaskId, str] = {}
    unknown: tuple[TaskId, ...] = ()


def footing_of(run: RunConfig, findings: Findings, tree: Tree, differing: Collection[str]) -> Footing:
    """Select the tasks of the run whose log is `tree`, as `selected` does, without those that cannot be trusted here.

    A run keeps its tasks, whatever is known by now, unless a setting that they depend on is in `differing`.
    Raises `ConfigError`.
    """
    if settled(tree, differing):
        return Footing(selected(run, findings.benchmark, tree, differing), tree.quarantined)
    unfit: dict[TaskId, str] = {}
    while True:
        try:
            selection = selected(run, findings.benchmark, tree, differing, unfit)
        except ConfigError as error:
            if unfit:
                task, reason = next(iter(unfit.items()))
                raise ConfigError(
                    f"{error}. Not counted are {len(unfit)} that `dgm prepare` found unfit, such as {task} ({reason})"
                ) from error
            raise
        tasks = (*selection.tasks, *selection.held_out)
        more = findings.unfit(tasks)
        if not more:
            return Footing(selection, unfit, tuple(findings.unknown(tasks)))
        unfit |= more


def refuse_replayed(selection: Selection, tree: Tree, archive: Path) -> None:
    """Raises `ConfigError` for tasks that come to be held out though a replay of the run has shown outcomes on them:
    agents can have been named by these, and nothing would correct for it. Raises `Damaged`."""
    fresh = set(selection.held_out) - set(tree.held_out)
    for log in sorted((archive / REPLAYS).glob(f"*/*/{LOG}")) if fresh and tree.agents else ():
        seeds = Reader(log.parent).tree.seeds
        if clash := sorted(task for task in fresh if any(task in seed.results for seed in seeds)):
            raise ConfigError(
                f"run.held_out has {clash[0]}, which was met in {REPLAYS}/{log.parent.parent.name}: who has seen that "
                "can have chosen by it. Hold out others, by their names"
            )


def replaced(footing: Footing, findings: Findings, names: Collection[str]) -> Footing:
    """`footing` once the images called `names` were replaced: what was found out in the old ones says nothing now.

    Raises `ConfigError` where a task is unfit in the new ones, since a run keeps its tasks.
    """
    selected = (*footing.selection.tasks, *footing.selection.held_out)
    met = [task for task in selected if (findings.benchmark.task(task).image or "") in names]
    if unfit := findings.unfit(met):
        task, reason = next(iter(unfit.items()))
        raise ConfigError(
            f"{len(unfit)} tasks are unfit in the images as they are now, such as {task} ({reason}). Get the old "
            "images back, or start a new archive"
        )
    unknown = (*footing.unknown, *findings.unknown(met))
    return msgspec.structs.replace(footing, unknown=tuple(dict.fromkeys(unknown)))


def unprepared(config: Config, footing: Footing) -> str:
    """Why the run may not start on what nobody has looked at; empty if it may."""
    if not footing.unknown or config.run.unprepared or is_proven(config.run.benchmark):
        return ""
    total = len(footing.selection.tasks) + len(footing.selection.held_out)
    return (
        f"{len(footing.unknown)} of {total} tasks were never checked on this machine, such as {footing.unknown[0]}: "
        "`dgm prepare` them first, with the same settings; or set run.unprepared = true"
    )


def insist(config: Config, footing: Footing) -> None:
    """Raises `Unprepared` where the run may not start on `footing`."""
    if complaint := unprepared(config, footing):
        raise Unprepared(complaint)


def images_of(benchmark: Benchmark, selection: Selection, sandbox: Sandbox) -> dict[str, str]:
    """What the images of the selected tasks mean, and, without a name, that of agents. Raises `SandboxFault`.

    Those of held-out tasks, which no job needs, are left out where they are not here.
    """
    found = {"": sandbox.identity(None)}
    for image in sorted({image for task in selection.tasks if (image := benchmark.task(task).image)}):
        found[image] = sandbox.identity(image)
    for image in sorted({image for task in selection.held_out if (image := benchmark.task(task).image)} - found.keys()):
        with suppress(SandboxFault):
            found[image] = sandbox.identity(image)
    return dict(sorted(found.items()))


def moved(tree: Tree, images: Mapping[str, str]) -> list[str]:
    """The names of images that mean something else than they do in the log."""
    return [name for name, content in images.items() if tree.images.get(name, content) != content]


def accept_images(tree: Tree, images: Mapping[str, str], amend: set[str]) -> None:
    """Raises `ConfigError` for images that are not what they were, unless `images` is in `amend`."""
    if "images" in amend or not (names := moved(tree, images)):
        return
    told = "; ".join(f"{name or 'the default one'} was {tree.images[name]}, is {images[name]}" for name in names[:3])
    more = f"; and {len(names) - 3} more" if len(names) > 3 else ""
    changed = "an image has" if len(names) == 1 else f"{len(names)} images have"
    raise ConfigError(
        f"{changed} changed since this archive was made ({told}{more}). Get the old content back, "
        "or accept the change with --amend images, or start a new archive"
    )
