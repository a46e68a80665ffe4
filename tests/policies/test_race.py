"""Each clause of the race, on small trees."""

import dataclasses
import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from dgm.config import PolicyConfig
from dgm.events import AgentBorn, JobFailed, JobStarted, RunConfigured, TaskScored
from dgm.jobs import Evaluate, Expand, Job
from dgm.machine import stream
from dgm.policies import heredity, posterior
from dgm.policies import race as module
from dgm.policies.budget import left, price, worth
from dgm.policies.race import Race, top_two
from dgm.simulation.trial import Trial, play
from dgm.tree import Tree
from tests.policies.trees import agents_of, bear, choices, score
from tests.worlds import name

CONFIG = PolicyConfig(seed_evaluations=4, under_way=0.25)
K = CONFIG.expansion_cost
TASKS = tuple(f"toy/{n:02}" for n in range(40))


def race(budget: int, config: PolicyConfig = CONFIG, **changed: float) -> Race:
    """Constants that the trees below were made for, whatever the defaults are tuned to."""
    constants = {"newborn": 3, "horizon": 2.5, "noise": 0.8, "kappa": 1.2, "reserve": 0.05}
    policy = Race(budget, config)
    for constant, value in {**constants, "tau": 0.65, "sober": 0.65, "walk": 0.22, **changed}.items():
        setattr(policy, constant, value)
    return policy


def tree_of(*results: str, parents: tuple[int, ...] = (), tasks: tuple[str, ...] = TASKS) -> Tree:
    """Agent n has `results[n]`, such as `++-`, on the first tasks, and `parents[n - 1]` (else 0) as its parent."""
    tree = Tree([RunConfigured(1.0, "0", {}, tasks, ""), AgentBorn(1.0, name(0), name(0))])
    for number in range(1, len(results)):
        bear(tree, number, parents[number - 1] if parents else 0)
    for number, result in enumerate(results):
        for task, mark in zip(tasks, result, strict=False):
            score(tree, number, task, mark == "+")
    return tree


def begin(tree: Tree, *jobs: Job) -> Tree:
    for job in jobs:
        tree.apply(JobStarted(1.0, tree.next_job, job))
    return tree


def budget_with(tree: Tree, rest: float) -> int:
    """The smallest budget of which as much as `rest` evaluations is left."""
    return next(budget for budget in range(1, 10_000) if left(tree, budget, price(tree, K)) >= rest)


def evaluated(jobs: Counter[Job | None]) -> bool:
    return all(isinstance(job, Evaluate) for job in jobs)


def expanded(jobs: Counter[Job | None]) -> bool:
    return all(isinstance(job, Expand) for job in jobs)


# -------------------------------------------------------------- newborn, seed


def test_the_seed_is_evaluated_before_anything_else() -> None:
    policy = race(1000)
    tree = tree_of("+-+")
    assert evaluated(choices(policy, tree, 20))
    begin(tree, Evaluate(name(0), TASKS[9]))
    assert expanded(choices(policy, tree, 20)), "what is under way counts"


def test_whoever_has_met_too_few_tasks_comes_first() -> None:
    policy = race(1000)
    tree = tree_of("+-+-" * 5, "+++", "--")
    jobs = choices(policy, tree, 20)
    assert evaluated(jobs)
    assert set(agents_of(jobs)) == {name(2)}
    begin(tree, Evaluate(name(2), TASKS[9]))
    assert name(2) not in agents_of(choices(race(1000, noise=0.0, kappa=0.0), tree, 20))


def test_a_newborn_that_cannot_be_evaluated_holds_up_nothing() -> None:
    """There are two tasks, and it has met both."""
    tree = tree_of("++", "--", tasks=TASKS[:2])
    assert expanded(choices(race(1000, PolicyConfig(seed_evaluations=2)), tree, 20))


# ------------------------------------------------------------------- the race


def test_who_can_still_win_is_evaluated() -> None:
    """Agent 1 is known to be good; agent 2, of whom little is known, may be better, and agent 3 is not."""
    tree = tree_of("+-" * 15, "+" * 20 + "-" * 10, "+++", "-" * 20)
    jobs = choices(race(1000, noise=0.0, kappa=2.0), tree, 50)
    assert evaluated(jobs)
    assert set(agents_of(jobs)) == {name(2)}


def test_nobody_can_win_any_more() -> None:
    tree = tree_of("+-" * 15, "+" * 25 + "-" * 5, "-" * 20, "-" * 20)
    jobs = choices(race(1000, noise=0.0), tree, 50)
    assert expanded(jobs)
    assert set(agents_of(jobs)) == {name(1)}


def test_the_dearer_a_child_the_more_doubt_is_worth_looking_at() -> None:
    tree = tree_of("+-" * 15, "+" * 20 + "-" * 10, "++-+--")
    policy = {k: race(1000, PolicyConfig(seed_evaluations=4, expansion_cost=k), noise=0.0) for k in (0.01, 100.0)}
    assert expanded(choices(policy[0.01], tree, 20))
    assert evaluated(choices(policy[100.0], tree, 20))


def test_evaluations_under_way_make_doubt_smaller() -> None:
    tree = tree_of("+-" * 15, "+" * 25 + "-" * 5, "+++", "+++")
    policy = race(1000, noise=0.0, kappa=2.0)
    first = agents_of(choices(policy, tree, 20))
    assert len(first) == 1, "of equals, always the same"
    chosen = 2 if name(2) in first else 3
    begin(tree, Evaluate(name(chosen), TASKS[9]))
    assert set(agents_of(choices(policy, tree, 20))) == {name(5 - chosen)}


def test_promise_is_what_a_lineage_has_shown() -> None:
    """Agent 3 ends a lineage that grew better with each child; agent 4 is more able, but none of its relatives are."""
    records = ["+" * solved + "-" * (30 - solved) for solved in (6, 10, 14, 18, 25, 4)]
    tree = tree_of(*records, parents=(0, 1, 2, 0, 4), tasks=TASKS[:30])
    now, ahead = race(1000, noise=0.0, horizon=0.0), race(1000, noise=0.0)
    mean = now.posterior(tree, now.tau).heredity.mean
    assert mean[4, 0] > mean[3, 0]
    assert mean[4, 1] < mean[3, 1]
    assert set(agents_of(choices(now, tree, 20))) == {name(4)}
    assert set(agents_of(choices(ahead, tree, 20))) == {name(3)}


def test_noise_cools_as_the_budget_runs_out() -> None:
    tasks = TASKS[:12]
    tree = tree_of(*["+-" * 6] * 6, tasks=tasks)
    for number, more in enumerate((5, 7, 6), 6):
        bear(tree, number, 0)
        for n, task in enumerate(tasks):
            score(tree, number, task, n < more)
    early = agents_of(choices(race(100_000), tree, 200))
    late = agents_of(choices(race(budget_with(tree, K + 4), reserve=0.0), tree, 200))
    assert max(early.values()) < max(late.values())
    assert len(agents_of(choices(race(1000, noise=0.0), tree, 200))) == 1


# -------------------------------------------------------------------- the end


def test_the_reserve_goes_to_whoever_may_be_the_best() -> None:
    tree = tree_of("+-" * 10, "+" * 14 + "-" * 6, "-" * 20, "+" * 13 + "-" * 7)
    budget = budget_with(tree, 2 * K)
    share = left(tree, budget, K) / worth(budget, K)
    early = choices(race(budget, noise=0.0, kappa=0.0, reserve=share - 0.01), tree, 20)
    assert expanded(early)
    jobs = choices(race(budget, kappa=0.0, reserve=share), tree)
    assert evaluated(jobs)
    looked = agents_of(jobs)
    assert looked[name(1)] + looked[name(3)] > 0.7 * looked.total()
    assert min(looked[name(1)], looked[name(3)]) > 0.2 * looked.total()
    assert name(2) not in looked


def test_a_child_that_could_not_be_judged_is_not_begun() -> None:
    tree = tree_of("+-" * 15, "+" * 25 + "-" * 5, "-" * 20, "-" * 20)
    enough = budget_with(tree, K + 3)
    assert expanded(choices(race(enough, noise=0.0, reserve=0.0), tree, 20))
    assert evaluated(choices(race(enough - 1, noise=0.0, reserve=0.0), tree, 20))


def test_nothing_is_begun_without_budget() -> None:
    tree = tree_of("+-" * 15, "+" * 20)
    budget = next(b for b in range(1000, 0, -1) if left(tree, b, price(tree, K)) < 1)
    assert set(choices(race(budget), tree, 5)) == {None}


def test_one_of_the_best_two() -> None:
    rng = np.random.default_rng(0)
    abilities = np.array([0.0, 3.0, 1.0, 2.0])
    picked = Counter(top_two(abilities, np.array([0, 1, 3]), rng) for _ in range(400))
    assert set(picked) == {1, 3}
    assert min(picked.values()) > 150
    assert {top_two(abilities, np.array([0, 2, 3]), rng) for _ in range(50)} == {3}, "the best is known well enough"
    assert {top_two(abilities, np.array([1]), rng) for _ in range(50)} == {1}


# ----------------------------------------------------------------- many slots


def test_jobs_under_way_are_a_share_of_the_work_done() -> None:
    tree = tree_of("+-" * 15, "+" * 25 + "-" * 5, "-" * 20)
    done = tree.evaluations + K * tree.expansions
    policy = race(10_000)
    while (job := policy(tree, stream(0, tree))) is not None:
        begin(tree, job)
    waiting = tree.evaluating + K * tree.expanding
    assert len(tree.running) > 3
    assert CONFIG.under_way * done <= waiting < CONFIG.under_way * done + K


def test_some_jobs_are_always_allowed() -> None:
    tree = tree_of("+-+-")
    policy = race(10_000)
    while (job := policy(tree, stream(0, tree))) is not None:
        begin(tree, job)
    assert tree.evaluating + K * tree.expanding >= 8


# ---------------------------------------------------------------- odd trees


@pytest.mark.parametrize("solved", ["", "+"])
def test_agents_that_have_met_every_task_can_only_be_expanded(solved: str) -> None:
    tasks = TASKS[:6]
    tree = tree_of(solved + "-" * (6 - len(solved)), "-" * 6, tasks=tasks)
    assert expanded(choices(race(1000), tree, 20))
    done = race(budget_with(tree, 1.0) + 1)
    assert left(tree, done.budget, price(tree, K)) < K
    assert set(choices(done, tree, 5)) == {None}


def test_a_seed_that_solves_nothing_is_expanded() -> None:
    tree = tree_of("-" * 12)
    jobs = choices(race(1000), tree, 20)
    assert set(agents_of(jobs)) == {name(0)}
    assert expanded(jobs)


def test_agents_that_cannot_be_expanded_are_evaluated() -> None:
    tree = tree_of("-+-+")
    for _ in range(tree.patience):
        begin(tree, Expand(name(0)))
        tree.apply(JobFailed(1.0, tree.next_job - 1, "stillborn", "it is unchanged"))
    assert evaluated(choices(race(1000), tree, 20))


def test_what_it_remembers_decides_nothing() -> None:
    """One policy that is asked about two growing trees in turn chooses as fresh ones do, also after an amendment."""
    policy = race(500)
    trees = [tree_of("+-+-", "++-+"), tree_of("----", "-+--")]
    rng = np.random.default_rng(1)
    for number in range(120):
        for tree in trees:
            job = policy(tree, stream(number, tree))
            assert job == race(500)(tree, stream(number, tree))
            if job is not None:
                begin(tree, job)
                grow(tree, rng.random() < 0.4)
            if number == 60:
                tree.apply(RunConfigured(1.0, "0", {}, (*TASKS[3:], "toy/new"), ""))
    assert min(len(tree.agents) for tree in trees) > 10


def grow(tree: Tree, solved: bool) -> None:
    started = next(iter(tree.running.values()))
    if isinstance(started.job, Evaluate):
        tree.apply(TaskScored(1.0, started.id, solved))
    else:
        child = name(len(tree.agents))
        tree.apply(AgentBorn(1.0, child, child, started.job.agent, started.id))


@pytest.mark.parametrize("slots", [1, 20, 200])
@pytest.mark.parametrize("k", [1.0, 20.0])
def test_it_never_overspends(slots: int, k: float) -> None:
    """As far as it knows the price, that is; here it is told."""
    ran = play(Trial(f"race:expansion_cost={k}", "hgm", 5, budget=120, k=k, slots=slots, tasks=30), curve=False)
    spent = ran.evaluations + k * ran.expansions
    assert 0.75 * worth(120, k) < spent <= worth(120, k) + 1e-9


def test_the_page_tells_the_constants() -> None:
    page = (Path(__file__).parents[2] / "docs" / "race.md").read_text()
    told = {row[0]: float(row[1]) for row in re.findall(r"^\| `(\w+)` \| ([\d.]+) \|", page, re.MULTILINE)}
    constants = {"HINT": module.HINT, "SEED": posterior.SEED, "ONWARD": heredity.ONWARD, "POOL": posterior.POOL}
    fields = {field.name: field.default for field in dataclasses.fields(Race) if isinstance(field.default, int | float)}
    assert told == {**fields, **constants, "under_way": PolicyConfig().under_way}
