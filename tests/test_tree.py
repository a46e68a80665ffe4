from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dgm.events import AgentBorn, AnyEvent, JobFailed, JobStarted, RunConfigured, TaskScored, decode, encode
from dgm.jobs import Evaluate, Expand, Usage
from dgm.tree import Tree
from tests.worlds import TASKS, logs, name, snapshot

MISFITS: list[dict[str, Any]] = [
    {"run": "x"},
    {"run": {"evaluations": "x"}},
    {"run": {"controls": 5}},
    {"policy": []},
    {"policy": {"epsilon": 7}},
    {"models": []},
    {"models": {"solve": {"name": {}}}},
    {"caps": {"usd_per_job": "x"}},
]
"""Settings that no run of ours writes, in a log that may come from anybody."""


@given(logs())
def test_a_clade_is_the_sum_of_its_members(log: list[AnyEvent]) -> None:
    tree = Tree(log)
    for agent in tree.agents.values():
        members = [other for other in tree.agents.values() if agent in other.lineage()]
        assert agent.clade_solved == sum(member.solved for member in members)
        assert agent.clade_failed == sum(member.failed for member in members)


@given(logs())
def test_tallies_and_spending_are_those_of_the_log(log: list[AnyEvent]) -> None:
    tree = Tree(log)
    jobs = {event.id: event.job for event in log if isinstance(event, JobStarted)}
    scores = [event for event in log if isinstance(event, TaskScored)]
    assert tree.evaluations == len(scores) == sum(agent.evaluations for agent in tree.agents.values())
    for agent in tree.agents.values():
        own = [event.solved for event in scores if jobs[event.job].agent == agent.id]
        assert (agent.solved, agent.failed) == (own.count(True), own.count(False))
    ended = [event.usage for event in log if isinstance(event, TaskScored | AgentBorn | JobFailed)]
    assert tree.spent == sum(ended, Usage()) == sum((agent.usage for agent in tree.agents.values()), Usage())
    assert Counter(event.cause for event in log if isinstance(event, JobFailed)) == tree.failures


@given(logs(), st.data())
def test_a_tree_read_at_any_time_is_the_tree_folded_at_once(log: list[AnyEvent], data: st.DataObject) -> None:
    """Reading never changes a tree, and the incremental columns agree with those built from the whole log."""
    tree = Tree()
    for event in log:
        tree.apply(event)
        if data.draw(st.booleans()):
            assert snapshot(tree) == snapshot(tree)
    assert snapshot(tree) == snapshot(Tree(decode(encode(event)) for event in log))


@given(logs())
def test_the_pools_hold_just_the_agents_that_can_be_chosen(log: list[AnyEvent]) -> None:
    tree = Tree(log)
    for agent in tree.agents.values():
        assert (agent.index in tree.expandable) == (agent.barren < tree.patience and not tree.capped(agent))
        assert (agent.index in tree.evaluable) == (bool(tree.untried(agent)) and not tree.capped(agent))
        for task in tree.untried(agent):
            assert task not in agent.results
            assert not any(event.job == Evaluate(agent.id, task) for event in tree.running.values())


@given(logs(), st.data())
def test_an_impossible_event_changes_nothing(log: list[AnyEvent], data: st.DataObject) -> None:
    tree = Tree(log)
    before = snapshot(tree)
    impossible: list[AnyEvent] = [
        JobStarted(9.0, tree.next_job, Expand("f" * 40)),
        JobStarted(9.0, tree.next_job, Expand(name(0), author="f" * 40)),
        TaskScored(9.0, tree.next_job, True),
        JobFailed(9.0, tree.next_job, "lost", ""),
        AgentBorn(9.0, "f" * 40, "f" * 40, name(0), tree.next_job),
        AgentBorn(9.0, name(0), name(0)),
        *(RunConfigured(9.0, "0", config, TASKS, "v") for config in MISFITS),
    ]
    if tree.next_job > 1:
        impossible.append(JobStarted(9.0, tree.next_job - 1, Expand(name(0))))
    for id, started in tree.running.items():
        if isinstance(started.job, Evaluate):
            impossible.append(JobStarted(9.0, tree.next_job, started.job))
            impossible.append(AgentBorn(9.0, "f" * 40, "f" * 40, started.job.agent, id))
        else:
            impossible.append(TaskScored(9.0, id, True))
    with pytest.raises(ValueError):  # noqa: PT012
        tree.apply(data.draw(st.sampled_from(impossible)))
        raise AssertionError("it was taken")
    assert snapshot(tree) == before


def test_what_a_tree_hands_out_cannot_be_written() -> None:
    tree = Tree([RunConfigured(1.0, "0", {}, TASKS, ""), AgentBorn(1.0, name(0), name(0))])
    seed = tree.agents[name(0)]
    for view in (tree.agents, tree.running, seed.results, seed.jobs, seed.misses):
        with pytest.raises(TypeError):
            view["x"] = 1  # type: ignore[index]


def test_having_failed_least_often_does_not_make_an_agent_the_best() -> None:
    tree = Tree([RunConfigured(1.0, "0", {}, TASKS, ""), AgentBorn(1.0, name(0), name(0))])
    tree.apply(JobStarted(1.0, 1, Expand(name(0))))
    tree.apply(AgentBorn(1.0, name(1), name(1), name(0), 1))
    for number, tasks in ((0, TASKS[:4]), (1, TASKS[:1])):
        for task in tasks:
            tree.apply(JobStarted(1.0, tree.next_job, Evaluate(name(number), task)))
            tree.apply(TaskScored(1.0, tree.next_job - 1, False))
    assert tree.best() is tree.agents[name(0)]


def test_only_failures_of_the_environment_wear_out_a_task() -> None:
    tree = Tree([RunConfigured(1.0, "0", {"policy": {"patience": 2}}, TASKS, ""), AgentBorn(1.0, name(0), name(0))])
    job = Evaluate(name(0), TASKS[0])
    for cause, left in [("provider", 5), ("interrupted", 5), ("infra", 5), ("lost", 4)]:
        id = tree.next_job
        tree.apply(JobStarted(2.0, id, job))
        tree.apply(JobFailed(3.0, id, cause, "it failed"))  # type: ignore[arg-type]
        assert len(tree.untried(tree.agents[name(0)])) == left
    assert tree.evaluations == 0, "a failure is never a score"


def test_a_job_that_always_breaks_the_provider_wears_out_and_an_outage_does_not_wear_out_anything() -> None:
    tree = Tree([RunConfigured(1.0, "0", {"policy": {"patience": 2}}, TASKS, ""), AgentBorn(1.0, name(0), name(0))])
    seed = tree.agents[name(0)]

    def failed(job: Evaluate | Expand) -> None:
        tree.apply(JobStarted(2.0, tree.next_job, job))
        tree.apply(JobFailed(3.0, tree.next_job - 1, "provider", "no credit"))

    def scored(task: str) -> None:
        tree.apply(JobStarted(4.0, tree.next_job, Evaluate(name(0), task)))
        tree.apply(TaskScored(5.0, tree.next_job - 1, True))

    for _ in range(9):
        failed(Evaluate(name(0), TASKS[0]))
        failed(Expand(name(0)))
    assert TASKS[0] in tree.untried(seed)
    assert seed.index in tree.expandable
    scored(TASKS[1])
    assert dict(seed.misses) == {TASKS[0]: 1}
    assert seed.barren == 1
    failed(Evaluate(name(0), TASKS[0]))
    failed(Expand(name(0)))
    scored(TASKS[2])
    assert TASKS[0] not in tree.untried(seed)
    assert seed.index not in tree.expandable
