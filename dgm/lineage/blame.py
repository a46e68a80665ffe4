"""Which ancestor's edit gained which of an agent's tasks.

Invariant: nothing is claimed for a step that the outcomes do not single out: tasks that were not tried in between leave
a span of steps.
"""

from collections.abc import Iterable, Sequence

from msgspec import Struct

from dgm.clade import Agent
from dgm.jobs import AgentId, TaskId


class Claim(Struct, frozen=True):
    """Since when all agents of the lineage that were tried on `task` have solved it, up to the agent in question.

    `since`: the first of them; `failed`: the last agent before it that failed the task, None if none did; `steps`: the
    agents whose edits may have gained it, oldest first: one is a claim, several are a span, and none, or
    `perhaps_seed`, mean that the seed may have been able to do it all along. `solved`: how many of the lineage have
    solved it since.
    """

    task: TaskId
    since: AgentId
    failed: AgentId | None
    steps: tuple[AgentId, ...]
    perhaps_seed: bool
    solved: int

    @property
    def sure(self) -> bool:
        """Whether the outcomes single out one step."""
        return len(self.steps) == 1 and not self.perhaps_seed


class Loss(Struct, frozen=True):
    """A task that the agent failed and an ancestor solved. `last`: the last that solved it; `steps`: the agents whose
    edits may have lost it."""

    task: TaskId
    last: AgentId
    steps: tuple[AgentId, ...]


def claims(agent: Agent) -> list[Claim]:
    """One for each task that `agent` solved, in the order in which it did."""
    lineage = agent.lineage()
    return [_claim(lineage, task) for task, solved in agent.results.items() if solved]


def _claim(lineage: Sequence[Agent], task: TaskId) -> Claim:
    since, failed, solved = len(lineage) - 1, -1, 0
    for place in range(len(lineage) - 1, -1, -1):
        outcome = lineage[place]._results.get(task)
        if outcome is False:
            failed = place
            break
        if outcome:
            since = place
            solved += 1
    first = max(failed, 0) + 1
    return Claim(
        task=task,
        since=lineage[since].id,
        failed=lineage[failed].id if failed >= 0 else None,
        steps=tuple(one.id for one in lineage[first : since + 1]),
        perhaps_seed=failed < 0,
        solved=solved,
    )


def losses(agent: Agent) -> list[Loss]:
    """One for each task that `agent` failed though an ancestor has solved it."""
    lineage = agent.lineage()
    found = []
    for task, solved in agent.results.items():
        last = next((n for n in range(len(lineage) - 1, -1, -1) if lineage[n]._results.get(task)), None)
        if solved or last is None:
            continue
        first = next(n for n in range(last + 1, len(lineage)) if lineage[n]._results.get(task) is False)
        found.append(Loss(task, lineage[last].id, tuple(one.id for one in lineage[last + 1 : first + 1])))
    return found


def by_step(found: Iterable[Claim]) -> dict[AgentId, tuple[list[TaskId], list[TaskId]]]:
    """For each step that may have gained a task: the tasks it alone can have gained, and those it shares."""
    steps: dict[AgentId, tuple[list[TaskId], list[TaskId]]] = {}
    for claim in found:
        for agent in claim.steps:
            steps.setdefault(agent, ([], []))[not claim.sure].append(claim.task)
    return steps
