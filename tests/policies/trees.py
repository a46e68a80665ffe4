"""Trees for tests of policies, and what policies choose in them."""

from collections import Counter

import numpy as np

from dgm.events import AgentBorn, JobStarted, RunConfigured, TaskScored
from dgm.jobs import Evaluate, Expand, Job
from dgm.policies.choosing import Policy
from dgm.tree import Tree
from tests.worlds import name


def tree_of(*results: tuple[int, int], parent: int = 0) -> Tree:
    """A seed and its children, agent n with `results[n]` = (solved, failed) on as many tasks as that needs."""
    width = max((solved + failed for solved, failed in results), default=0) + 1
    tasks = tuple(f"toy/{n}" for n in range(width))
    tree = Tree([RunConfigured(1.0, "0", {}, tasks, ""), AgentBorn(1.0, name(0), name(0))])
    for number, (solved, failed) in enumerate(results):
        if number:
            bear(tree, number, parent)
        for n in range(solved + failed):
            score(tree, number, tasks[n], n < solved)
    return tree


def bear(tree: Tree, number: int, parent: int) -> None:
    """Agent `number`, a child of agent `parent`, is born."""
    tree.apply(JobStarted(1.0, tree.next_job, Expand(name(parent))))
    tree.apply(AgentBorn(1.0, name(number), name(number), name(parent), tree.next_job - 1))


def score(tree: Tree, number: int, task: str, solved: bool) -> None:
    tree.apply(JobStarted(1.0, tree.next_job, Evaluate(name(number), task)))
    tree.apply(TaskScored(1.0, tree.next_job - 1, solved))


def choices(policy: Policy, tree: Tree, times: int = 400) -> Counter[Job | None]:
    """How often each job is chosen, with independent random numbers."""
    return Counter(policy(tree, np.random.default_rng([7, n])) for n in range(times))


def agents_of(jobs: Counter[Job | None]) -> Counter[str]:
    found: Counter[str] = Counter()
    for job, times in jobs.items():
        assert job is not None
        found[job.agent] += times
    return found
