"""A priority queue."""

import heapq
import itertools


class Agenda:
    """Distinct items, lowest priority first; stale entries of the heap are skipped and now and then swept."""

    def __init__(self):
        self._heap = []
        self._live = {}
        self._turns = itertools.count()

    def __len__(self):
        return len(self._live)

    def __contains__(self, item):
        return item in self._live

    def __iter__(self):
        return iter([item for item, _ in sorted(self._live.items(), key=lambda pair: pair[1])])

    def push(self, item, priority):
        if item in self._live and self._live[item][0] == priority:
            return
        self._live[item] = entry = (priority, next(self._turns))
        heapq.heappush(self._heap, entry + (item,))
        self._sweep()

    def pop(self):
        item, priority = self.peek()
        del self._live[item]
        heapq.heappop(self._heap)
        self._sweep()
        return item, priority

    def peek(self):
        while self._heap:
            priority, turn, item = self._heap[0]
            if self._live.get(item) == (priority, turn):
                return item, priority
            heapq.heappop(self._heap)
        raise IndexError("the agenda is empty")

    def remove(self, item):
        priority, _ = self._live.pop(item)
        self._sweep()
        return priority

    def priority(self, item):
        return self._live[item][0]

    def entries(self):
        return len(self._heap)

    def _sweep(self):
        if len(self._heap) > 2 * len(self._live) + 10:
            self._heap = [entry + (item,) for item, entry in self._live.items()]
            heapq.heapify(self._heap)
