"""The policy of a replay: everything once, side by side."""

import numpy as np

from dgm.config import PolicyConfig
from dgm.events import AgentBorn, JobFailed, JobStarted, RunConfigured, TaskScored
from dgm.jobs import Evaluate
from dgm.policies import ONCE, POLICIES, open_policy
from dgm.policies.account import account, budget_of
from dgm.policies.choosing import shuffled
from dgm.tree import Tree
from tests.worlds import name

TASKS = tuple(f"toy/{n}" for n in range(7))
POLICY = open_policy(PolicyConfig(name=ONCE), 1)
RNG = np.random.default_rng(0)


def seeds(number: int) -> Tree:
    config = {"policy": {"name": ONCE, "patience": 2}}
    return Tree(
        [RunConfigured(1.0, "0", config, TASKS, ""), *(AgentBorn(1.0, name(n), name(n)) for n in range(number))]
    )


def test_every_seed_meets_every_task_once_and_a_part_of_it_is_paired() -> None:
    tree, jobs = seeds(3), []
    while (job := POLICY(tree, RNG)) is not None:
        assert isinstance(job, Evaluate)
        tree.apply(JobStarted(1.0, tree.next_job, job))
        tree.apply(TaskScored(1.0, tree.next_job - 1, True))
        jobs.append(job)
        sizes = [seed.evaluations for seed in tree.seeds]
        assert max(sizes) - min(sizes) <= 1
    assert [(job.agent, job.task) for job in jobs] == [(name(n), task) for task in shuffled(TASKS) for n in range(3)]


def test_what_the_environment_fails_is_tried_again_and_then_given_up() -> None:
    tree, jobs = seeds(1), []
    while (job := POLICY(tree, RNG)) is not None:
        tree.apply(JobStarted(1.0, tree.next_job, job))
        tree.apply(JobFailed(1.0, tree.next_job - 1, "infra", "no engine"))
        jobs.append(job)
    assert len(jobs) == len(set(jobs)) * 2 == len(TASKS) * 2
    assert POLICY.ending(tree) == "every agent has met every task, but for 7 evaluations that were given up"  # type: ignore[attr-defined]


def test_it_is_none_to_search_with() -> None:
    assert ONCE not in POLICIES.values()


def test_its_budget_grows_with_the_seeds() -> None:
    for number in (1, 3):
        assert budget_of(seeds(number)) == account(seeds(number)).whole == number * len(TASKS)
