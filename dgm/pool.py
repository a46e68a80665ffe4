"""Agents grouped by tally, so that a choice among all of them costs by the number of distinct tallies.

Agents with equal tallies have equal posteriors, so a group needs one draw of its maximum, whatever its size.
Invariant: everything is kept sorted, so a pool depends on what it holds and not on how that came about.
"""

from array import array
from bisect import bisect_left, insort
from collections.abc import Callable, Sequence

from dgm.clade import Agent, Clades


class Pool:
    """A multiset of agents (by index) under their (solved, failed) counts, as columns that NumPy can read in place.

    `tallies`, `solved`, `failed` (doubles), `sizes` and `members` (int64) have one entry a group. Read-only outside
    `dgm.tree`.
    """

    __slots__ = ("_tally", "failed", "members", "sizes", "solved", "tallies")

    def __init__(self) -> None:
        self.tallies: list[tuple[int, int]] = []
        self.solved = array("d")
        self.failed = array("d")
        self.sizes = array("q")
        self.members: list[array[int]] = []
        self._tally: dict[int, tuple[int, int]] = {}

    def __len__(self) -> int:
        """How many agents there are."""
        return len(self._tally)

    def __contains__(self, agent: int) -> bool:
        return agent in self._tally

    def tally(self, agent: int) -> tuple[int, int]:
        """Raises `KeyError`."""
        return self._tally[agent]

    def at(self, tally: tuple[int, int]) -> Sequence[int]:
        """The agents with that tally."""
        group = bisect_left(self.tallies, tally)
        return self.members[group] if group < len(self.tallies) and self.tallies[group] == tally else ()

    def put(self, agent: int, solved: int, failed: int) -> None:
        """Add `agent`, or move it to its new tally."""
        tally = (solved, failed)
        before = self._tally.get(agent)
        if before == tally or (before is not None and self._renamed(agent, before, tally)):
            return
        self.drop(agent)
        group = bisect_left(self.tallies, tally)
        if group == len(self.tallies) or self.tallies[group] != tally:
            self.tallies.insert(group, tally)
            self.solved.insert(group, solved)
            self.failed.insert(group, failed)
            self.sizes.insert(group, 0)
            self.members.insert(group, array("q"))
        self._tally[agent] = tally
        insort(self.members[group], agent)
        self.sizes[group] += 1

    def _renamed(self, agent: int, before: tuple[int, int], tally: tuple[int, int]) -> bool:
        """Whether the agent was a group of its own and still is, at the same place: most clades are."""
        group, tallies = bisect_left(self.tallies, before), self.tallies
        if self.sizes[group] > 1 or (group and tallies[group - 1] >= tally):
            return False
        if group + 1 < len(tallies) and tallies[group + 1] <= tally:
            return False
        tallies[group] = self._tally[agent] = tally
        self.solved[group], self.failed[group] = tally
        return True

    def drop(self, agent: int) -> None:
        """Remove `agent`, if it is there."""
        tally = self._tally.pop(agent, None)
        if tally is None:
            return
        group = bisect_left(self.tallies, tally)
        members = self.members[group]
        del members[bisect_left(members, agent)]
        self.sizes[group] -= 1
        if not members:
            for column in (self.tallies, self.solved, self.failed, self.sizes, self.members):
                del column[group]


class Pools:
    """The agents that may be chosen, brought up to date when somebody looks: what changed often is looked at once."""

    __slots__ = (
        "_clades",
        "_evaluable",
        "_expandable",
        "_may_evaluate",
        "_may_expand",
        "_order",
        "_stale",
        "_stale_clades",
        "changed",
    )

    def __init__(
        self,
        order: list[Agent],
        clades: Clades,
        may_expand: Callable[[Agent], bool],
        may_evaluate: Callable[[Agent], bool],
    ) -> None:
        """order: all agents, in order of birth; it may grow."""
        self._order = order
        self._clades = clades
        self._may_expand = may_expand
        self._may_evaluate = may_evaluate
        self._expandable = Pool()
        self._evaluable = Pool()
        self.changed: set[int] = set()
        """Agents, by index, that changed since any of the two were last looked at."""
        self._stale: set[int] = set()
        """Those that changed since the evaluable ones were."""
        self._stale_clades: set[int] = set()
        """Those that changed since the expandable ones were."""

    @property
    def expandable(self) -> Pool:
        """Under the tallies of the clades. What changed in an agent changed in all clades that it is in."""
        self._note()
        self._clades.settle()
        seen: set[int] = set()
        for index in self._stale_clades:
            for agent in self._order[index].upwards():
                if agent.index in seen:
                    break
                seen.add(agent.index)
                if self._may_expand(agent):
                    self._expandable.put(agent.index, agent._clade_solved, agent._clade_failed)
                else:
                    self._expandable.drop(agent.index)
        self._stale_clades.clear()
        return self._expandable

    @property
    def evaluable(self) -> Pool:
        """Under their own tallies."""
        self._note()
        for index in self._stale:
            agent = self._order[index]
            if self._may_evaluate(agent):
                self._evaluable.put(index, agent.solved, agent.failed)
            else:
                self._evaluable.drop(index)
        self._stale.clear()
        return self._evaluable

    def _note(self) -> None:
        self._stale |= self.changed
        self._stale_clades |= self.changed
        self.changed.clear()
