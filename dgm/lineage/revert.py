"""An agent without one of its ancestors' edits, and what trying both again says of a claim.

Invariant: an edit is taken back whole or not at all; a claim is confirmed only where an interval leaves out 0.
"""

from collections.abc import Sequence
from typing import Literal

from msgspec import Struct

from dgm.files import BadFiles, Files, checked
from dgm.jobs import AgentId, TaskId
from dgm.lineage.lines import merge
from dgm.lineage.steps import corrected_level
from dgm.statistics import Difference, paired_difference

Finding = Literal["confirmed", "not confirmed", "undecided"]
"""Of the claim that an edit gained tasks, from new attempts at these.

confirmed      the agent solves more of them than without the edit, and the interval of the difference, corrected for
               all edits that are tried, says so
not confirmed  it does not: without the edit at least as many attempts were solved
undecided      too few attempts differ, or there is nothing to compare
"""


class TaskTrial(Struct, frozen=True):
    """Of `pairs` attempts at `task`, so many solved it with the edit and without."""

    task: TaskId
    pairs: int
    with_edit: int
    without: int


class Trial(Struct, frozen=True):
    """Attempts at `tasks` with and without the edit that made `step`, in pairs: one each, at the same task.

    `problem`: why there is nothing to compare, if so. `missing`: pairs of which an attempt came to no verdict, or is
    not made yet: then it is not `whole`. `difference`: of the solved shares, with the edit less without it, on these
    very tasks."""

    step: AgentId
    tasks: tuple[TaskId, ...]
    by_task: tuple[TaskTrial, ...] = ()
    problem: str = ""
    both: int = 0
    with_only: int = 0
    without_only: int = 0
    neither: int = 0
    missing: int = 0
    whole: bool = True
    difference: Difference = Difference(0.0, -1.0, 1.0)
    finding: Finding = "undecided"

    @property
    def pairs(self) -> int:
        return self.both + self.with_only + self.without_only + self.neither


def reverted(agent: Files, step: Files, parent: Files) -> Files:
    """`agent` without what `step` changed in `parent`. Raises `BadFiles`, which says why it cannot be."""
    merged = merge(step, agent, parent)
    if merged.conflicts:
        more = f" and {len(merged.conflicts) - 3} more files" if len(merged.conflicts) > 3 else ""
        raise BadFiles(f"later steps have changed the same in {', '.join(merged.conflicts[:3])}{more}")
    if merged.files == dict(agent):
        raise BadFiles("nothing of the edit is left in the agent")
    return checked(merged.files)


def trial(
    step: AgentId,
    tasks: Sequence[TaskId],
    rounds: Sequence[tuple[dict[TaskId, bool], dict[TaskId, bool]]],
    whole: bool,
    looks: int = 1,
) -> Trial:
    """rounds: outcomes with and without the edit, attempt by attempt; `whole`: whether all attempts were made; `looks`:
    so many edits are tried, and the finding, not the interval, is corrected for all of them.

    The pairs are exact McNemar's: on each task, if the edit does nothing, either of two attempts is as likely to be the
    one that succeeds. So this is about these tasks, whoever chose them, and not about others like them.
    """
    by_task: list[TaskTrial] = []
    every: list[tuple[bool, bool]] = []
    for task in tasks:
        pairs = [(ours[task], without[task]) for ours, without in rounds if task in ours and task in without]
        by_task.append(TaskTrial(task, len(pairs), sum(one for one, _ in pairs), sum(one for _, one in pairs)))
        every += pairs
    both, gained, lost, neither = (every.count((a, b)) for a in (True, False) for b in (True, False))
    difference = paired_difference(gained, lost, both + neither)
    corrected = paired_difference(gained, lost, both + neither, corrected_level(looks))
    finding: Finding = "undecided"
    if whole and every:
        finding = "confirmed" if corrected.low > 0 else "not confirmed" if gained <= lost else "undecided"
    return Trial(
        step=step,
        tasks=tuple(tasks),
        by_task=tuple(by_task),
        both=both,
        with_only=gained,
        without_only=lost,
        neither=neither,
        missing=len(rounds) * len(tasks) - len(every),
        whole=whole,
        difference=difference,
        finding=finding,
    )
