"""Agents grouped by tally, so that a choice among all of them costs by the number of distinct tallies.

Invariant: agents with equal tallies have equal posteriors, so a group needs one draw of its maximum, whatever its size.
"""

from array import array


class Pool:
    """A multiset of agents (by index) under their (solved, failed) counts, as columns that NumPy can read in place.

    `solved`, `failed` (doubles) and `sizes` (int64) have one entry a group. Read-only outside `dgm.tree`.
    """

    __slots__ = ("_group", "_place", "failed", "members", "sizes", "solved")

    def __init__(self) -> None:
        self.solved = array("d")
        self.failed = array("d")
        self.sizes = array("q")
        self.members: list[list[int]] = []
        self._group: dict[tuple[int, int], int] = {}
        self._place: dict[int, tuple[tuple[int, int], int]] = {}
        """Agent to its tally and its position among the members of that group."""

    def __len__(self) -> int:
        """How many agents there are."""
        return len(self._place)

    def __contains__(self, agent: int) -> bool:
        return agent in self._place

    def tally(self, agent: int) -> tuple[int, int]:
        """Raises `KeyError`."""
        return self._place[agent][0]

    def put(self, agent: int, solved: int, failed: int) -> None:
        """Add `agent`, or move it to its new tally."""
        key = (solved, failed)
        if agent in self._place:
            if self._place[agent][0] == key:
                return
            self.drop(agent)
        group = self._group.get(key)
        if group is None:
            group = self._group[key] = len(self.members)
            self.solved.append(solved)
            self.failed.append(failed)
            self.sizes.append(0)
            self.members.append([])
        self._place[agent] = (key, len(self.members[group]))
        self.members[group].append(agent)
        self.sizes[group] += 1

    def drop(self, agent: int) -> None:
        """Remove `agent`, if it is there."""
        if agent not in self._place:
            return
        key, place = self._place.pop(agent)
        group = self._group[key]
        last = self.members[group].pop()
        if last != agent:
            self.members[group][place] = last
            self._place[last] = (key, place)
        self.sizes[group] -= 1
        if not self.members[group]:
            self._remove(key, group)

    def _remove(self, key: tuple[int, int], group: int) -> None:
        """Fill the place of an empty group with the last one."""
        del self._group[key]
        solved, failed, size, members = self.solved.pop(), self.failed.pop(), self.sizes.pop(), self.members.pop()
        if group < len(self.members):
            self.solved[group], self.failed[group] = solved, failed
            self.sizes[group], self.members[group] = size, members
            self._group[int(solved), int(failed)] = group
