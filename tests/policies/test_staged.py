"""DGM, SICA and the Pareto front: checked against their definitions."""

from collections import Counter
from math import exp, sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dgm.config import PolicyConfig
from dgm.events import AgentBorn, JobStarted, RunConfigured, TaskScored
from dgm.jobs import Evaluate, Expand, Job
from dgm.machine import stream
from dgm.policies.choosing import Policy, shuffled
from dgm.policies.dgm import DGM, NoArchive, NoSelfImprovement
from dgm.policies.pareto import Pareto, firsts
from dgm.policies.sica import SICA
from dgm.policies.staged import Staged
from dgm.tree import Tree
from tests.policies.trees import agents_of, bear, choices, score
from tests.worlds import name

MANY = 10_000
SIZE = 12
TASKS = shuffled(tuple(f"toy/{n:02}" for n in range(SIZE)))
"""In the order in which DGM's agents meet them."""


def tree_of(*solved: int | str, parents: tuple[int, ...] = ()) -> Tree:
    """A seed and its descendants; agent n has met all tasks and solved so many, or has met those that the letters of a
    word stand for, + for solved."""
    tree = Tree([RunConfigured(1.0, "0", {}, tuple(sorted(TASKS)), ""), AgentBorn(1.0, name(0), name(0))])
    for number, tally in enumerate(solved):
        if number:
            bear(tree, number, parents[number - 1] if parents else 0)
        word = tally if isinstance(tally, str) else "+" * tally + "-" * (SIZE - tally)
        for task, letter in zip(TASKS, word, strict=False):
            score(tree, number, task, letter == "+")
    return tree


def started(tree: Tree, policy: Policy, most: int = 30) -> list[Job]:
    """What it starts at once, if there are slots enough."""
    jobs: list[Job] = []
    while len(jobs) < most and (job := policy(tree, stream(0, tree))) is not None:
        tree.apply(JobStarted(1.0, tree.next_job, job))
        jobs.append(job)
    return jobs


def shares(policy: Policy, tree: Tree, times: int = 3000) -> list[float]:
    """How often each agent is expanded."""
    parents = agents_of(choices(policy, tree, times))
    return [parents[agent] / times for agent in tree.agents]


# ---------------------------------------------------------------- dgm


def dgm(kind: type[DGM] = DGM, generation: int = 2, **settings: object) -> DGM:
    return kind(MANY, PolicyConfig(), generation, (4, SIZE), **settings)  # type: ignore[arg-type]


def test_dgm_draws_parents_by_score_and_by_few_children() -> None:
    tree = tree_of(3, 6, 9, 8, "", parents=(0, 0, 1, 0))
    tree.apply(JobStarted(1.0, tree.next_job, Expand(name(2))))
    tree.apply(AgentBorn(1.0, name(5), name(5), name(2), tree.next_job - 1))  # the first of its generation
    known = ((3, 2), (6, 1), (9, 0), (8, 0))  # children that are not evaluated yet count for nothing
    weights = np.array([1 / (1 + exp(-10 * (solved / SIZE - 0.5))) / (1 + children) for solved, children in known])
    assert shares(dgm(), tree)[:4] == pytest.approx(list(weights / weights.sum()), abs=0.04)


def test_dgm_evaluates_children_in_stages() -> None:
    for word, more in (("+", 3), ("+---", 0), ("++--", SIZE - 4), ("++--+", SIZE - 5)):
        tree = tree_of(6, word, 6)
        jobs = [job for job in started(tree, dgm()) if job.agent == name(1)]
        assert [job.task for job in jobs] == list(TASKS[len(word) : len(word) + more]), word
        assert all(isinstance(job, Evaluate) for job in jobs)


def test_dgm_waits_for_a_stage_before_its_gate() -> None:
    tree = tree_of(6, "+++", 6)
    assert started(tree, dgm()) == [Evaluate(name(1), TASKS[3])]


def test_the_seed_of_dgm_meets_all_tasks_whatever_it_solves() -> None:
    assert len(started(tree_of("----"), dgm())) == SIZE - 4


def test_a_generation_of_dgm_is_written_together_and_waited_for() -> None:
    tree = tree_of(6, 6, 6)
    assert [type(job) for job in started(tree, dgm())] == [Expand, Expand]
    tree.apply(AgentBorn(2.0, name(3), name(3), tree.running[tree.next_job - 1].job.agent, tree.next_job - 1))
    assert agents_of(Counter(started(tree, dgm()))) == {name(3): 4}
    steady = tree_of(6, 6, 6)
    assert len(started(steady, dgm(generation=0))) == 30


def test_a_steady_dgm_leaves_enough_to_evaluate_what_it_expands() -> None:
    tree = tree_of(6)
    policy = DGM(60, PolicyConfig(expansion_cost=5.0), 0, (4, SIZE))  # worth 60 + 5 * 60 ** .6 = 118
    assert len(started(tree, policy, 100)) == (118 - SIZE) // (5 + 4)


def test_dgm_may_keep_only_children_that_are_not_worse_than_the_seed() -> None:
    tree = tree_of(8, 6, 7)  # 7/12 is less than .1 below 8/12, 6/12 is more
    assert shares(dgm(), tree, 300)[1] > 0
    assert shares(dgm(keep="better"), tree, 300)[1] == 0
    assert shares(dgm(keep="better"), tree, 300)[2] > 0


def test_without_self_improvement_the_seed_rewrites_every_parent() -> None:
    jobs = choices(dgm(NoSelfImprovement), tree_of(3, 6, 9), 100)
    assert {(job.agent, job.author) for job in jobs if isinstance(job, Expand)} >= {
        (name(2), name(0)),
        (name(1), name(0)),
    }
    assert {job.author for job in jobs if isinstance(job, Expand) and job.agent == name(0)} <= {None}
    assert not {job.author for job in choices(dgm(), tree_of(3, 6, 9), 100) if isinstance(job, Expand)} - {None}


def test_without_an_archive_the_latest_agent_is_the_parent() -> None:
    assert agents_of(choices(dgm(NoArchive), tree_of(3, 9, 0), 20)) == {name(2): 20}


def test_all_agents_meet_the_same_tasks_first_and_these_are_no_block() -> None:
    tasks = tuple(f"toy/{n}" for n in range(100))
    assert shuffled(tasks) == shuffled(tuple(reversed(tasks)))
    assert shuffled(tasks) != shuffled(tasks, "other")
    assert len(set(shuffled(tasks)[:10]) & set(tasks[:10])) < 6


# ---------------------------------------------------------------- sica


@settings(deadline=None)
@given(st.lists(st.integers(0, SIZE), min_size=1, max_size=8))
def test_the_parent_of_sica_is_the_newest_that_may_be_as_good_as_the_best(solved: list[int]) -> None:
    tree = tree_of(*solved, parents=tuple(range(len(solved))))
    results = [np.array([1.0] * n + [0.0] * (SIZE - n)) for n in solved]
    best = max(results, key=lambda scores: scores.mean())
    bound = best.mean() - 1.96 * best.std(ddof=1) / sqrt(SIZE)
    newest = max(n for n, scores in enumerate(results) if scores.mean() >= bound - 1e-12)
    assert agents_of(choices(SICA(MANY), tree, 3)) == {name(newest): 3}


def test_sica_evaluates_on_everything_at_once_and_makes_a_chain() -> None:
    tree = tree_of("")
    policy = SICA(MANY)
    assert len(started(tree, policy)) == SIZE
    tree = tree_of(3)
    assert [type(job) for job in started(tree, policy)] == [Expand]


# ---------------------------------------------------------------- pareto


def scores(tree: Tree) -> list[list[bool]]:
    return [[agent.results[task] for task in TASKS] for agent in tree.agents.values()]


def naive_firsts(table: list[list[bool]]) -> dict[int, int]:
    """As GEPA's paper puts it: fronts of programs, from which dominated ones are dropped until none is."""
    fronts = [{a for a, row in enumerate(table) if row[t] == max(r[t] for r in table)} for t in range(SIZE)]
    alive = set(range(len(table)))
    by_mean = sorted(alive, key=lambda a: sum(table[a]))
    again = True
    while again:
        again = False
        for a in by_mean:
            if a in alive and all((front & alive) - {a} for front in fronts if a in front):
                alive.remove(a)
                again = True
                break
    return {a: sum(a in front for front in fronts) for a in alive}


@settings(deadline=None)
@given(st.lists(st.text("+-", min_size=SIZE, max_size=SIZE), min_size=1, max_size=7))
def test_superfluous_agents_are_left_out_and_wins_are_counted(words: list[str]) -> None:
    tree = tree_of(*words)
    assert firsts(list(tree.agents.values())) == naive_firsts(scores(tree))


def test_a_parent_is_drawn_by_how_often_it_is_among_the_best() -> None:
    tree = tree_of("++++++------", "------+++---", "------++----", "---------+--")
    by_chance = shares(Pareto(MANY, batch=0), tree)  # on the last two tasks, which nobody solved, all are
    assert by_chance == pytest.approx([8 / 16, 5 / 16, 0.0, 3 / 16], abs=0.04)


def test_a_child_meets_a_mini_batch_first_and_goes_on_only_if_it_is_not_worse() -> None:
    policy = Pareto(MANY)
    for as_good in (True, False):
        tree = tree_of(SIZE, "")
        assert len(started(tree, policy)) == 3, "and the rest waits for them"
        for id in list(tree.running):
            tree.apply(TaskScored(2.0, id, as_good or id % 3 > 0))
        then = started(tree, policy)
        assert [type(job) for job in then] == ([Evaluate] * (SIZE - 3) if as_good else [Expand])
        assert agents_of(Counter(then)).keys() == {name(1 if as_good else 0)}


def test_stages_have_to_be_said() -> None:
    with pytest.raises(NotImplementedError):
        Staged(10)(tree_of(""), np.random.default_rng(0))
