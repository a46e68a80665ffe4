"""Places and the ways between them."""

import heapq


class NoRoute(LookupError):
    pass


class Map:
    def __init__(self):
        self._ways = {}

    def connect(self, a, b, length, both=False):
        if not length >= 0:
            raise ValueError("a way cannot be {} long".format(length))
        self._ways.setdefault(a, {})[b] = length
        self._ways.setdefault(b, {})
        if both:
            self._ways[b][a] = length

    def shortest(self, start, goal, avoid=()):
        for place in (start, goal):
            if place not in self._ways:
                raise KeyError(place)
        for length, path in self._routes(start, set(avoid)):
            if path[-1] == goal:
                return length, path
        raise NoRoute("no route from {} to {}".format(start, goal))

    def within(self, start, limit):
        if start not in self._ways:
            raise KeyError(start)
        found = []
        for length, path in self._routes(start, set()):
            if length > limit:
                break
            found.append((length, path[-1]))
        return {place: length for length, place in sorted(found)}

    def _routes(self, start, avoid):
        """The best route to each place, shortest first; a place is done when it is taken up."""
        heap = [(0, 1, [start])]
        done = set(avoid)
        while heap:
            length, count, path = heapq.heappop(heap)
            if path[-1] in done:
                continue
            done.add(path[-1])
            yield length, path
            for neighbour, way in self._ways[path[-1]].items():
                if neighbour not in done:
                    heapq.heappush(heap, (length + way, count + 1, path + [neighbour]))
