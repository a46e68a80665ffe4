"""Places and the ways between them."""

import heapq


class Map:
    def __init__(self):
        self._ways = {}

    def connect(self, a, b, length):
        self._ways.setdefault(a, {})[b] = length

    def shortest(self, start, goal):
        heap = [(0, start, [start])]
        seen = {start}
        while heap:
            length, place, path = heapq.heappop(heap)
            if place == goal:
                return length, path
            for neighbour, way in self._ways.get(place, {}).items():
                if neighbour not in seen:
                    seen.add(neighbour)
                    heapq.heappush(heap, (length + way, neighbour, path + [neighbour]))
        return None
