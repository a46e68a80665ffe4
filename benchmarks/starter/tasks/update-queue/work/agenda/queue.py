"""A priority queue."""

import heapq


class Agenda:
    def __init__(self):
        self._heap = []

    def __len__(self):
        return len(self._heap)

    def push(self, item, priority):
        heapq.heappush(self._heap, (priority, item))

    def pop(self):
        priority, item = heapq.heappop(self._heap)
        return item, priority

    def entries(self):
        return len(self._heap)
