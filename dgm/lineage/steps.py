"""What each step of a lineage changed, and what it bought on the tasks that parent and child were both tried on.

Invariant: a task counts only where both have a score; a gain is called one only where its interval leaves out 0.
"""

from collections.abc import Callable
from math import ceil, log2

from msgspec import Struct

from dgm.clade import Agent
from dgm.expand import Diagnosis
from dgm.files import Files
from dgm.jobs import AgentId, JobId, TaskId
from dgm.lineage.expansions import Expansions
from dgm.lineage.lines import FileChange, changed
from dgm.shrinkage import Estimate
from dgm.shrinkage import difference as shrunken
from dgm.statistics import LEVEL, Difference, Verdict, paired_difference, verdict
from dgm.tree import Tree


class Exchange(Struct, frozen=True):
    """The tasks that two agents were both tried on, by what became of them from the first to the second, and the
    difference of their success rates with its 95 % interval.

    `looks`: among so many comparisons this one was singled out; the verdict is corrected for all of them (Bonferroni),
    so it may be "undecided" where the interval, which is not, leaves out 0. `least`: so many tasks have to change, all
    in one direction, before the verdict can be another.
    """

    fixed: tuple[TaskId, ...]
    broken: tuple[TaskId, ...]
    kept: tuple[TaskId, ...]
    unsolved: tuple[TaskId, ...]
    difference: Difference
    looks: int
    least: int
    verdict: Verdict

    @property
    def tasks(self) -> int:
        return len(self.fixed) + len(self.broken) + len(self.kept) + len(self.unsolved)


class Step(Struct, frozen=True):
    """One edit: `agent` was made of `parent`, by `author` if not by itself, in `job`, from its failure on `study`.

    `study_solved`: whether the child solved that task, None where it was not tried. `diagnosis` and `files` are None
    where they were not kept, or cannot be read.

    `shrunk`: the difference of success rates by all results of both, each drawn to the mean of all agents.
    `clade_…`: the results of the child and its descendants; `others_…`: those of the parent's other descendants, which
    have not got the edit.
    """

    agent: AgentId
    parent: AgentId
    depth: int
    job: JobId | None
    author: AgentId | None
    study: TaskId | None
    study_solved: bool | None
    summary: str
    diagnosis: Diagnosis | None
    files: tuple[FileChange, ...] | None
    added: int
    removed: int
    bought: Exchange
    shrunk: Difference
    clade_solved: int
    clade_evaluated: int
    others_solved: int
    others_evaluated: int


def exchange(parent: Agent, child: Agent, looks: int = 1) -> Exchange:
    """From `parent` to `child`, or to any other agent, one of `looks` comparisons."""
    kinds: dict[tuple[bool, bool], list[TaskId]] = {(a, b): [] for a in (True, False) for b in (True, False)}
    mine, theirs = parent._results, child._results
    for task, after in theirs.items():
        if (before := mine.get(task)) is not None:
            kinds[before, after].append(task)
    fixed, broken, kept, unsolved = (
        tuple(kinds[key]) for key in ((False, True), (True, False), (True, True), (False, False))
    )
    counts = len(fixed), len(broken), len(kept) + len(unsolved)
    corrected = paired_difference(*counts, level=corrected_level(looks))
    least = ceil(log2(2 * max(looks, 1) / (1 - LEVEL)))
    return Exchange(fixed, broken, kept, unsolved, paired_difference(*counts), looks, least, verdict(corrected))


def corrected_level(looks: int) -> float:
    """The level of the interval of each of `looks` comparisons, so that all are right at once with 95 %."""
    return 1 - (1 - LEVEL) / max(looks, 1)


def compared(tree: Tree) -> int:
    """How many agents have been compared with those that they come from, so that the best ones could be chosen."""
    return sum(agent.parent is not None and agent.evaluations > 0 for agent in tree.agents.values())


def step(
    parent: Agent,
    child: Agent,
    expansions: Expansions,
    diagnosis: Callable[[JobId], Diagnosis | None],
    sources: tuple[Files, Files] | None,
    estimate: Callable[[Agent], Estimate],
    looks: int = 1,
) -> Step:
    """`diagnosis`: what is kept of a job's; `sources`: the parent's and the child's, None if they cannot be read;
    `estimate`: an agent's rate by its own results, drawn to that of all (`dgm.shrinkage.surviving`); `looks`: as in
    `exchange`."""
    made = expansions.of(child.job)
    study = made.study if made else None
    files = changed(*sources) if sources else None
    solved, evaluated = child.clade_solved, child.clade_solved + child.clade_failed
    return Step(
        agent=child.id,
        parent=parent.id,
        depth=child.depth,
        job=child.job,
        author=made.author if made else None,
        study=study,
        study_solved=child.results.get(study) if study is not None else None,
        summary=child.summary,
        diagnosis=diagnosis(child.job) if child.job is not None else None,
        files=files,
        added=sum(file.added for file in files or ()),
        removed=sum(file.removed for file in files or ()),
        bought=exchange(parent, child, looks),
        shrunk=shrunken(estimate(child), estimate(parent)),
        clade_solved=solved,
        clade_evaluated=evaluated,
        others_solved=parent.clade_solved - parent.solved - solved,
        others_evaluated=parent.clade_solved + parent.clade_failed - parent.evaluations - evaluated,
    )
