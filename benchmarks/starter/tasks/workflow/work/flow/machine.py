"""States and what leads from one to the next."""


class Machine:
    def __init__(self, initial):
        self.initial = initial
        self._transitions = {}
        self._states = {}

    def allow(self, source, event, target, guard=None):
        self._transitions[event] = target

    def state(self, id):
        return self._states.get(id, self.initial)

    def fire(self, id, event, **details):
        self._states[id] = self._transitions[event]
        return self._states[id]
