"""The choices of a log, each with the tree just before it and the policy that was asked.

Invariant: a function of the log alone; the code of a policy that is none of ours is run only where its name was given
by whoever asks, never because a log names it.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

import msgspec
from msgspec import Struct

from dgm import __version__
from dgm.config import ConfigError, PolicyConfig
from dgm.events import AnyEvent, JobStarted, RunConfigured
from dgm.jobs import Job, JobId
from dgm.machine import stream
from dgm.policies import ONCE, POLICIES, RESAMPLE, open_policy
from dgm.policies.choosing import Policy
from dgm.report import setting
from dgm.tree import Tree

OURS = frozenset((*POLICIES, *POLICIES.values(), ONCE, RESAMPLE))
"""Names of policies. Nothing else of this package is called because a log names it."""
DIFFERENCES = 20
"""Choices that differ, which a check names."""


@dataclass
class Setup:
    """What a part of a log was run under. `trusted`: the dotted path of a policy whose code may be run, since whoever
    asks has named it; else it is ours or left alone: a log may come from anybody."""

    event: RunConfigured
    trusted: str = ""
    doubt: str = ""

    @cached_property
    def name(self) -> str:
        return str(setting(self.event.config, "policy.name", PolicyConfig().name))

    @cached_property
    def random_seed(self) -> int:
        return int(setting(self.event.config, "run.random_seed", 0))

    @cached_property
    def policy(self) -> Policy | None:
        """None, with a `doubt`, where it cannot be asked."""
        budget = int(setting(self.event.config, "run.evaluations", 0))
        if not budget:
            self.doubt = "the log names no budget (run.evaluations)"
        elif "." not in self.name and self.name not in POLICIES:
            self.doubt = f"the log names the policy {self.name}, which there is none of here"
        elif self.name not in OURS and self.name != self.trusted:
            self.doubt = f"the policy {self.name} is none of ours, and its code is run only if you name it by --policy"
        else:
            try:
                return open_policy(msgspec.convert(self.event.config["policy"], PolicyConfig), budget)
            except (ConfigError, msgspec.ValidationError, KeyError) as error:
                self.doubt = f"the policy cannot be made as the log describes it: {error}"
        return None

    def differing(self, job: Job, again: Job | None) -> str:
        """Why a choice may have come out otherwise."""
        if self.event.version not in ("", __version__):
            return (
                f"the log is by dgm {self.event.version}, this is {__version__}, and the policy may have changed since"
            )
        if again is None:
            how = "no job at all"
        elif type(again) is type(job) and again.agent == job.agent:
            how = "another task for the same agent"
        else:
            how = "another job"
        return f"the policy wants {how}: the log was changed or mended, or is of a policy that was another then"


def retraced(events: Iterable[AnyEvent], trusted: str = "") -> Iterator[tuple[Tree, Setup, JobStarted]]:
    """Each choice of a log, with the tree just before it, which grows when the next one is asked for.

    Raises `ValueError` for an event that cannot follow those before it.
    """
    tree, setup = Tree(), Setup(RunConfigured(0.0, "", {}, (), ""), trusted)
    for event in events:
        if isinstance(event, JobStarted):
            yield tree, setup, event
        elif isinstance(event, RunConfigured):
            setup = Setup(event, trusted)
        tree.apply(event)


class Difference(Struct, frozen=True):
    id: JobId
    job: Job
    again: Job | None
    doubt: str


class Check(Struct, frozen=True):
    """All choices of a log, asked for again. `unknown`: those whose policy could not be asked, for the reasons in
    `doubts`; `differences` names the first ones that came out otherwise."""

    choices: int
    same: int
    different: int
    unknown: int
    differences: tuple[Difference, ...]
    doubts: tuple[str, ...]


def check(events: Iterable[AnyEvent], trusted: str = "") -> Check:
    """Ask for every choice of a log again. The log is folded once."""
    choices = same = unknown = 0
    differences: list[Difference] = []
    doubts: dict[str, None] = {}
    for tree, setup, started in retraced(events, trusted):
        choices += 1
        policy = setup.policy
        if policy is None:
            unknown += 1
            doubts[setup.doubt] = None
            continue
        again = policy(tree, stream(setup.random_seed, tree))
        if again == started.job:
            same += 1
        elif len(differences) < DIFFERENCES:
            differences.append(Difference(started.id, started.job, again, setup.differing(started.job, again)))
    return Check(choices, same, choices - same - unknown, unknown, tuple(differences), tuple(doubts))
