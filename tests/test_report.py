"""What is said about a run, against what happened in it."""

from hypothesis import given

from dgm.cli.agents import job_words
from dgm.events import AgentBorn, AnyEvent, JobStarted, RunConfigured, RunEnded, RunPaused
from dgm.jobs import Expand
from dgm.report import Tally, attempts, compare, condition, find, row, status
from dgm.tree import Tree
from tests.worlds import TASKS, logs, name


@given(logs())
def test_every_job_is_an_attempt_of_its_agent(log: list[AnyEvent]) -> None:
    tree = Tree(log)
    for agent in tree.agents.values():
        rows = attempts(log, agent.id)
        assert sum(job.outcome == "running" for job in rows) == len(agent.evaluating) + agent.expanding
        assert sum(job.outcome == "solved" for job in rows) == agent.solved
        assert {job.child for job in rows} - {None, agent.id} == {one.id for one in agent.children}
        assert [job.id for job in rows if job.child == agent.id] == ([agent.job] if agent.job else [])


def test_who_rewrote_an_agent_is_told() -> None:
    log: list[AnyEvent] = [
        RunConfigured(1.0, "0", {}, TASKS, ""),
        AgentBorn(1.0, name(0), name(0)),
        JobStarted(1.0, 1, Expand(name(0))),
        AgentBorn(1.0, name(1), name(1), name(0), 1),
        JobStarted(1.0, 2, Expand(name(1), author=name(0))),
        AgentBorn(1.0, name(2), name(2), name(1), 2, "more"),
    ]
    (job,) = attempts(log, name(2))
    assert job.author == name(0)
    assert job_words(job, name(2)) == "made this agent by 00000000: more"
    assert [job.author for job in attempts(log, name(1))] == [None, name(0)]


@given(logs())
def test_a_status_adds_up(log: list[AnyEvent]) -> None:
    tree = Tree(log)
    found = status(tree, None, 0.0)
    assert (found.agents, found.evaluations) == (len(tree.agents), tree.evaluations)
    assert len(found.running) == len(tree.running)
    top = tree.best()
    rows = [row(agent, top) for agent in tree.agents.values()]
    assert sum(one.best for one in rows) == 1
    assert sum(one.solved + one.failed for one in rows) == found.evaluations


@given(logs())
def test_a_comparison_counts_common_tasks(log: list[AnyEvent]) -> None:
    tree = Tree(log)
    seed = tree.seeds[0]
    for agent in tree.agents.values():
        found = compare(agent, seed)
        assert found.tasks == len(agent.results.keys() & seed.results.keys())
        assert found.agent.solved - found.seed.solved == len(found.gained) - len(found.lost)
        assert not found.apart or found.gained or found.lost


def test_intervals_tighten() -> None:
    few, many = Tally.of(2, 2), Tally.of(200, 200)
    assert few.low < many.low < 0.5 < many.high < few.high


def test_conditions() -> None:
    tree = Tree()
    assert condition(tree, False, 0.0)[0] == "new"
    tree.apply(AgentBorn(1.0, name(0), name(0)))
    assert condition(tree, True, 2.0)[0] == "running"
    assert condition(tree, False, 2.0)[0] == "stopped"
    tree.apply(RunPaused(3.0, "no answer", 10.0))
    assert condition(tree, True, 5.0) == ("paused", "no answer")
    assert condition(tree, True, 14.0)[0] == "running"
    for code, state in ((0, "finished"), (3, "capped"), (130, "interrupted"), (1, "failed")):
        tree.apply(RunEnded(20.0, code, "so"))
        assert condition(tree, False, 30.0) == (state, "so")
    assert condition(tree, True, 30.0)[0] == "running"
    assert find(tree, "seed").id == name(0)
