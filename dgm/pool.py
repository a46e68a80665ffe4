"""Agents grouped by tally, so that a choice among all of them costs by the number of distinct tallies.

Agents with equal tallies have equal posteriors, so a group needs one draw of its maximum, whatever its size.
Invariant: everything is kept sorted, so a pool depends on what it holds and not on how that came about.
"""

from array import array
from bisect import bisect_left, insort


class Pool:
    """A multiset of agents (by index) under their (solved, failed) counts, as columns that NumPy can read in place.

    `tallies`, `solved`, `failed` (doubles), `sizes` (int64) and `members` have one entry a group. Read-only outside
    `dgm.tree`.
    """

    __slots__ = ("_tally", "failed", "members", "sizes", "solved", "tallies")

    def __init__(self) -> None:
        self.tallies: list[tuple[int, int]] = []
        self.solved = array("d")
        self.failed = array("d")
        self.sizes = array("q")
        self.members: list[list[int]] = []
        self._tally: dict[int, tuple[int, int]] = {}

    def __len__(self) -> int:
        """How many agents there are."""
        return len(self._tally)

    def __contains__(self, agent: int) -> bool:
        return agent in self._tally

    def tally(self, agent: int) -> tuple[int, int]:
        """Raises `KeyError`."""
        return self._tally[agent]

    def put(self, agent: int, solved: int, failed: int) -> None:
        """Add `agent`, or move it to its new tally."""
        tally = (solved, failed)
        if self._tally.get(agent) == tally:
            return
        self.drop(agent)
        group = bisect_left(self.tallies, tally)
        if group == len(self.tallies) or self.tallies[group] != tally:
            self.tallies.insert(group, tally)
            self.solved.insert(group, solved)
            self.failed.insert(group, failed)
            self.sizes.insert(group, 0)
            self.members.insert(group, [])
        self._tally[agent] = tally
        insort(self.members[group], agent)
        self.sizes[group] += 1

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
