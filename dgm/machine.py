"""The machine: it asks a policy for jobs, has them done anywhere, and records how they end. Nothing else writes.

Invariant: a choice depends on the log alone, so every choice can be explained and recomputed from it.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from dgm.events import JobStarted
from dgm.flight import End, Flight, Patience, Work
from dgm.jobs import Failure, Job, JobId, Outcome
from dgm.policies.account import account, affords_child
from dgm.policies.choosing import Policy
from dgm.tree import Tree

if TYPE_CHECKING:
    from numpy.random import Generator


class Record(Protocol):
    """Where what happens is written down: `Archive`, or a simulation's memory."""

    @property
    def tree(self) -> Tree: ...

    def start(self, job: Job) -> JobStarted: ...

    def finish(self, job: JobId, outcome: Outcome) -> object: ...

    def pause(self, reason: str, seconds: float) -> None: ...


def stream(random_seed: int, tree: Tree) -> "Generator":
    """The random numbers of the next choice: a function of the log, so a resumed run needs no saved generator."""
    from numpy.random import default_rng

    return default_rng([random_seed, tree.length])


def run(
    archive: Record,
    policy: Policy,
    flight: Flight,
    slots: int,
    halted: Callable[[], End | None] = lambda: None,
    random_seed: int = 0,
    pause_hours: float = 12.0,
    tick: float = 0.5,
) -> End:
    """Grow the archive until the policy wants nothing more, the money or the disk runs short, or `halted` says so.

    Whatever an earlier driver left running is finished first where a paid part of it was kept, and is over otherwise.
    """
    work = flight.work
    patience = Patience(pause_hours * 3600)
    for started in list(archive.tree.running.values()):
        if work.resumable(started.id):
            flight.launch(started)
        else:
            lost = Failure("interrupted", "the driver stopped while this job ran", work.cost(started.id))
            archive.finish(started.id, lost)
    while True:
        tree = archive.tree
        end = halted() or patience.exhausted(tree) or unfit(work)
        while end is None and len(flight.deadlines) < patience.slots(tree, slots):
            if not work.affordable(tree):
                end = End(3, "the next job may no longer fit under caps.usd_per_run")
            elif (job := policy(tree, stream(random_seed, tree))) is not None:
                flight.launch(archive.start(job))
            else:
                end = None if flight.deadlines else finished(policy, tree)
                break
        if end is not None and not flight.deadlines:
            return end
        landed = flight.next(tick)
        ending = end is not None or bool(work.shortage())
        if landed is not None and not (ending and resumes(work, *landed)):
            archive.finish(*landed)
            pause = patience.pause(tree)
            if pause:
                archive.pause(*pause)


def unfit(work: Work) -> End | None:
    """How a run ends on a machine that has no room for another job."""
    shortage = work.shortage()
    return End(1, shortage) if shortage else None


def resumes(work: Work, job: JobId, outcome: Outcome) -> bool:
    """Whether a job that ends with the driver stays open, so that the next start finishes what was paid for."""
    return isinstance(outcome, Failure) and outcome.cause == "interrupted" and work.resumable(job)


def finished(policy: Policy, tree: Tree) -> End:
    """How a run ends in which the policy wants no more jobs. A policy that ends for a reason of its own says so by a
    method `ending`, which gives a sentence, or an empty one where the reason is none of its own."""
    own = getattr(policy, "ending", None)
    if own is not None and (reason := own(tree)):
        return End(0, reason)
    spent = account(tree)
    if spent.exhausted or (not len(tree.evaluable) and not affords_child(tree)):
        return End(0, f"the budget is spent: {spent.words()}" if spent.whole else "the budget is spent")
    if any(map(tree.capped, tree.agents.values())):
        return End(3, f"no agent can have another job under caps.usd_per_agent: {spent.words()}")
    if len(tree.evaluable):
        return End(0, f"the policy wants no more jobs, after {spent.words()}")
    return End(0, f"nothing is left to try: every agent has met every task or was given up, after {spent.words()}")
