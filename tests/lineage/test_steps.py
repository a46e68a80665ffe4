"""What steps bought and which step gained what, against recomputations straight from the log."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dgm.events import AgentBorn, AnyEvent, JobStarted, TaskScored
from dgm.expand import Diagnosis
from dgm.files import File
from dgm.jobs import Evaluate, TaskId
from dgm.lineage.blame import by_step, claims, losses
from dgm.lineage.expansions import Expansions
from dgm.lineage.steps import compared, corrected_level, exchange, step
from dgm.shrinkage import Estimate, surviving
from dgm.statistics import mcnemar, paired_difference
from dgm.tree import Tree
from tests.policies.trees import bear
from tests.worlds import TASKS, logs, name

Outcomes = dict[str, dict[TaskId, bool]]


def outcomes(log: list[AnyEvent]) -> Outcomes:
    """Agent to task to outcome, read from the events alone."""
    jobs = {event.id: event.job for event in log if isinstance(event, JobStarted)}
    found: Outcomes = {event.agent: {} for event in log if isinstance(event, AgentBorn)}
    for event in log:
        if isinstance(event, TaskScored):
            job = jobs[event.job]
            assert isinstance(job, Evaluate)
            found[job.agent][job.task] = event.solved
    return found


def parents(log: list[AnyEvent]) -> dict[str, str]:
    return {event.agent: event.parent for event in log if isinstance(event, AgentBorn) and event.parent}


@given(logs(120))
def test_an_exchange_is_what_the_log_says(log: list[AnyEvent]) -> None:
    tree, known = Tree(log), outcomes(log)
    for child, parent in parents(log).items():
        found = exchange(tree.agents[parent], tree.agents[child])
        both = known[child].keys() & known[parent].keys()
        assert set(found.fixed) == {task for task in both if known[child][task] and not known[parent][task]}
        assert set(found.broken) == {task for task in both if known[parent][task] and not known[child][task]}
        assert set(found.kept) == {task for task in both if known[parent][task] and known[child][task]}
        assert found.tasks == len(both)
        assert (found.verdict == "improved") == (found.difference.low > 0)


@pytest.mark.parametrize("looks", [1, 2, 9, 113, 10_000])
def test_a_verdict_is_corrected_for_all_comparisons(looks: int) -> None:
    parent, child = chained("-", "+").agents.values()
    least = exchange(parent, child, looks).least
    level = corrected_level(looks)
    assert level == pytest.approx(1 - 0.05 / looks)
    assert paired_difference(least - 1, 0, 0, level).low <= 0
    assert paired_difference(least, 0, 0, level).low > 0
    assert mcnemar(least, 0) <= 0.05 / looks < mcnemar(least - 1, 0)


def test_nothing_was_compared() -> None:
    (seed,) = chained("-").agents.values()
    assert exchange(seed, seed, 0).verdict == "undecided"


def test_only_agents_with_scores_were_compared() -> None:
    assert compared(chained("-", ".", "+", "+")) == 2
    assert compared(chained("-")) == 0


@given(logs(120))
def test_claims_are_what_the_log_says(log: list[AnyEvent]) -> None:
    tree, known, above = Tree(log), outcomes(log), parents(log)
    for agent in tree.agents:
        chain = [agent]
        while chain[-1] in above:
            chain.append(above[chain[-1]])
        chain.reverse()
        found = {one.task: one for one in claims(tree.agents[agent])}
        assert found.keys() == {task for task, solved in known[agent].items() if solved}
        for task, claim in found.items():
            tried = [(place, known[one][task]) for place, one in enumerate(chain) if task in known[one]]
            failures = [place for place, solved in tried if not solved]
            last = failures[-1] if failures else None
            since = min(place for place, solved in tried if solved and (last is None or place > last))
            assert claim.since == chain[since]
            assert claim.failed == (chain[last] if last is not None else None)
            assert list(claim.steps) == chain[(last if last is not None else 0) + 1 : since + 1]
            assert claim.perhaps_seed == (last is None)
            assert claim.solved == sum(solved for place, solved in tried if place >= since)
        lost = {one.task: one for one in losses(tree.agents[agent])}
        assert lost.keys() == {
            task for task, solved in known[agent].items() if not solved and any(known[one].get(task) for one in chain)
        }
        for task, loss in lost.items():
            first, end = chain.index(loss.steps[0]), chain.index(loss.steps[-1])
            assert known[chain[end]][task] is False
            assert chain[first - 1] == loss.last
            assert known[loss.last][task]
            assert not any(known[one].get(task) for one in chain[first:])


@given(logs(120))
def test_what_is_claimed_for_a_step_is_claimed_once(log: list[AnyEvent]) -> None:
    for agent in Tree(log).agents.values():
        found = claims(agent)
        alone = [task for mine, _ in by_step(found).values() for task in mine]
        assert len(alone) == len(set(alone)) == sum(one.sure for one in found)


def chained(*results: str) -> Tree:
    """A lineage in which agent n has results[n]: a task a letter, `+` solved, `-` failed, `.` not tried."""
    from dgm.events import RunConfigured

    tree = Tree([RunConfigured(1.0, "0", {}, TASKS, "v"), AgentBorn(1.0, name(0), name(0))])
    for number, told in enumerate(results):
        if number:
            bear(tree, number, number - 1)
        for task, one in zip(TASKS, told, strict=False):
            if one != ".":
                job = tree.next_job
                tree.apply(JobStarted(1.0, job, Evaluate(name(number), task)))
                tree.apply(TaskScored(1.0, job, one == "+"))
    return tree


@pytest.mark.parametrize(
    ("results", "steps", "seed", "solved"),
    [
        (("-", "+"), [1], False, 1),
        (("-", ".", "+", "+"), [1, 2], False, 2),
        (("+", "-", "+"), [2], False, 1),
        (("+", "+", "."), None, None, None),
        (("+", ".", "+"), [], True, 2),
        ((".", ".", "+"), [1, 2], True, 1),
        (("-", "-", "-"), None, None, None),
    ],
)
def test_a_claim_names_the_steps_in_question(
    results: tuple[str, ...], steps: list[int] | None, seed: bool | None, solved: int | None
) -> None:
    tree = chained(*results)
    found = claims(tree.agent(len(results) - 1))
    if steps is None:
        assert found == []
        return
    (claim,) = found
    assert [name(n) for n in steps] == list(claim.steps)
    assert (claim.perhaps_seed, claim.solved) == (seed, solved)
    assert claim.sure == (len(steps) == 1 and not seed)


@given(st.booleans())
def test_a_step_without_artifacts_or_sources(kept: bool) -> None:
    tree = chained("-+-", "++.")
    said = Diagnosis("s", "w", "p", "b") if kept else None
    sources = ({"f": File(b"a\nb")}, {"f": File(b"a\nc\nd")}) if kept else None
    parent, child = tree.agents.values()
    found = step(
        parent,
        child,
        Expansions(),
        lambda job: said,
        sources,
        lambda one: surviving((one.solved, one.failed), ((2, 3, 1),)),
    )
    assert found.diagnosis == said
    assert (found.added, found.removed) == ((2, 1) if kept else (0, 0))
    assert (found.files is None) == (not kept)
    assert found.shrunk.mean == pytest.approx((2 + 2) / 7 - (2 + 1) / 8)
    assert found.shrunk.low < 0 < found.shrunk.high
    assert (found.bought.fixed, found.bought.kept, found.bought.verdict) == ((TASKS[0],), (TASKS[1],), "undecided")


@given(logs(120))
def test_the_clades_of_a_step_are_what_the_log_says(log: list[AnyEvent]) -> None:
    tree, known, above = Tree(log), outcomes(log), parents(log)

    def below(agent: str) -> list[str]:
        return [agent, *(one for child, parent in above.items() if parent == agent for one in below(child))]

    def told(agents: list[str]) -> tuple[int, int]:
        results = [solved for agent in agents for solved in known[agent].values()]
        return sum(results), len(results)

    flat = Estimate(0.5, 0.0, 1.0)
    for child, parent in above.items():
        one = step(tree.agents[parent], tree.agents[child], Expansions(log), lambda job: None, None, lambda agent: flat)
        others = [agent for agent in below(parent) if agent != parent and agent not in below(child)]
        assert (one.clade_solved, one.clade_evaluated) == told(below(child))
        assert (one.others_solved, one.others_evaluated) == told(others)
