"""Which agents are shown."""

from hypothesis import given
from hypothesis import strategies as st

from dgm.events import AgentBorn, AnyEvent, JobFailed, JobStarted
from dgm.jobs import Expand
from dgm.lineage.expansions import Expansions
from dgm.lineage.forest import STANDINGS, interesting, matching, placed, rows, strongest
from dgm.tree import Tree
from tests.worlds import logs


@given(logs())
def test_the_strongest_come_with_their_ancestors(log: list[AnyEvent]) -> None:
    tree = Tree(log)
    for number in (1, 3, 1000):
        chosen = strongest(tree, 0.05, number)
        assert len(chosen) >= min(number, len(tree.agents))
        top = tree.best()
        assert top is not None
        assert not top.evaluations or any(
            (tree.agent(n).solved, tree.agent(n).failed) == (top.solved, top.failed) for n in chosen
        )
        for index in chosen:
            parent = tree.agent(index).parent
            assert parent is None or parent.index in chosen


@given(logs(), st.integers(4, 30))
def test_the_interesting_ones_are_so_many_and_have_the_leader(log: list[AnyEvent], most: int) -> None:
    tree = Tree(log)
    leader = tree.best()
    assert leader is not None
    chosen = interesting(tree, leader, most)
    assert len(chosen) == min(most, len(tree.agents))
    assert {0, leader.index} <= chosen


@given(logs(), st.sets(st.integers(0, 30)))
def test_what_is_hidden_is_counted_above(log: list[AnyEvent], shown: set[int]) -> None:
    tree = Tree(log)
    children, folds = placed(tree, shown)
    kept = [agent for group in children.values() for agent in group]
    assert sorted(agent.index for agent in kept) == sorted(index for index in shown if index < len(tree.agents))
    assert len(kept) + sum(fold.agents for fold in folds.values()) == len(tree.agents)
    for place, group in children.items():
        for agent in group:
            above = next((one.index for one in agent.lineage()[-2::-1] if one.index in shown), -1)
            assert above == place


@given(logs())
def test_a_row_says_what_the_log_says(log: list[AnyEvent]) -> None:
    tree = Tree(log)
    expansions = Expansions(log)
    leader = tree.best()
    found = list(rows(tree, tree.agents.values(), leader, expansions.failed))
    path = {agent.id for agent in leader.lineage()} if leader else set()
    begun = {event.id: event.job for event in log if isinstance(event, JobStarted)}
    for one, agent in zip(found, tree.agents.values(), strict=True):
        below = [other for other in tree.agents.values() if agent in other.lineage()]
        tried = sum(other.evaluations for other in below)
        assert one.metaproductivity == (sum(other.solved for other in below) / tried if tried else None)
        assert one.low < one.high
        assert one.best_path == (agent.id in path)
        assert one.status in STANDINGS
        assert (one.status == "running") == any(started.job.agent == agent.id for started in tree.running.values())
        failed = [e for e in log if isinstance(e, JobFailed) and e.cause != "interrupted"]
        mine = [e for e in failed if isinstance(begun[e.job], Expand) and begun[e.job].agent == agent.id]
        assert one.failed_expansions == len(mine)
    for status in STANDINGS:
        wanted = {agent.index for one, agent in zip(found, tree.agents.values(), strict=True) if one.status == status}
        assert matching(tree, None, None, [status]) == wanted
    high = matching(tree, 1, 0.5, ())
    assert high == {a.index for a in tree.agents.values() if a.depth <= 1 and a.evaluations and a.solved >= a.failed}


@given(logs())
def test_expansions_are_those_of_the_log(log: list[AnyEvent]) -> None:
    every = Expansions(log).all
    born = {event.job: event.agent for event in log if isinstance(event, AgentBorn) and event.job}
    assert {job: one.child for job, one in every.items() if one.child} == born
    assert sum(not one.child and not one.cause for one in every.values()) == Tree(log).expanding
