"""Logs for tests: any sequence of events that a driver can write, drawn by hypothesis."""

from typing import Any

from hypothesis import strategies as st

from dgm.events import AgentBorn, AnyEvent, JobFailed, JobStarted, RunConfigured, TaskScored
from dgm.jobs import Cause, Evaluate, Expand, JobId, Usage
from dgm.tree import Tree

TASKS = tuple(f"toy/{n}" for n in range(5))
CAUSES: tuple[Cause, ...] = ("stillborn", "infra", "provider", "lost", "interrupted")


def name(number: int) -> str:
    """An agent's id, as long as a commit hash."""
    return f"{number:040x}"


@st.composite
def logs(draw: st.DrawFn, most: int = 60) -> list[AnyEvent]:
    """A valid log: a seed, then jobs that start and end in any order, some of them still running at its end."""
    clock = 1.0
    caps = draw(st.sampled_from([{}, {"usd_per_job": 1.0, "usd_per_agent": 3.0}]))
    agents = [name(0)]
    tried: set[tuple[str, str]] = set()
    running: dict[JobId, Expand | Evaluate] = {}
    log: list[AnyEvent] = [
        RunConfigured(clock, "0", {"policy": {"patience": 2}, "caps": caps}, TASKS, "v1"),
        AgentBorn(clock, name(0), name(0)),
    ]
    jobs = 0
    for _ in range(draw(st.integers(0, most))):
        clock += 1
        if running and draw(st.booleans()):
            id = draw(st.sampled_from(sorted(running)))
            log.append(_ended(draw, clock, id, running.pop(id), agents, tried))
            continue
        agent = draw(st.sampled_from(agents))
        open_tasks = [task for task in TASKS if (agent, task) not in tried]
        job: Expand | Evaluate = Expand(agent)
        if open_tasks and draw(st.integers(0, 2)):
            job = Evaluate(agent, draw(st.sampled_from(open_tasks)))
            tried.add((agent, job.task))
        jobs += 1
        running[jobs] = job
        log.append(JobStarted(clock, jobs, job))
    return log


def _ended(
    draw: st.DrawFn, clock: float, id: JobId, job: Expand | Evaluate, agents: list[str], tried: set[tuple[str, str]]
) -> AnyEvent:
    usage = Usage(draw(st.integers(0, 8)) / 8, 1, 100, 10, 1.0)
    if draw(st.integers(0, 4)) == 0:
        if isinstance(job, Evaluate):
            tried.discard((job.agent, job.task))
        return JobFailed(clock, id, draw(st.sampled_from(CAUSES)), "it failed", usage)
    if isinstance(job, Evaluate):
        return TaskScored(clock, id, draw(st.booleans()), usage)
    agents.append(name(len(agents)))
    return AgentBorn(clock, agents[-1], agents[-1], job.agent, id, "a change", usage)


def snapshot(tree: Tree) -> Any:
    """All that can be seen of a tree, as plain values."""
    return (
        tree.length,
        tree.evaluations,
        tree.solved,
        tree.expanding,
        tree.stillborn,
        dict(tree.failures),
        {cause: row for cause, row in tree.failed_in_a_row.items() if row},
        tree.spent,
        dict(tree.running),
        [
            [
                *(a.id, a.parent and a.parent.id, a.solved, a.failed, a.clade_solved, a.clade_failed),
                *(a.usage, a.barren, dict(a.results), dict(a.jobs), dict(a.misses), a.evaluating, dict(a.studied)),
                *([child.id for child in a.children], tree.untried(a)),
            ]
            for a in tree.agents.values()
        ],
        [
            (list(pool.tallies), list(pool.sizes), [list(members) for members in pool.members])
            for pool in (tree.expandable, tree.evaluable)
        ],
    )
