"""States and what leads from one to the next."""


class FlowError(Exception):
    def __init__(self, id, state, event):
        super().__init__("{!r} in the state {} cannot {}".format(id, state, event))
        self.id = id
        self.state = state
        self.event = event


class NoTransition(FlowError):
    pass


class Refused(FlowError):
    pass


class Machine:
    def __init__(self, initial):
        self.initial = initial
        self._transitions = []
        self._states = {}
        self._history = {}
        self._enter = {}
        self._leave = {}

    def allow(self, source, event, target, guard=None):
        self._transitions.append((source, event, target, guard))

    def transitions(self):
        """(source, event, target), as declared."""
        return [transition[:3] for transition in self._transitions]

    def on_enter(self, state, action):
        self._enter.setdefault(state, []).append(action)

    def on_leave(self, state, action):
        self._leave.setdefault(state, []).append(action)

    def state(self, id):
        return self._states.get(id, self.initial)

    def history(self, id):
        return list(self._history.get(id, []))

    def can(self, id, event, **details):
        try:
            self._target(id, event, details)
        except FlowError:
            return False
        return True

    def fire(self, id, event, **details):
        target = self._target(id, event, details)
        for action in self._leave.get(self.state(id), []):
            action(id, event, details)
        self._states[id] = target
        self._history.setdefault(id, []).append((event, target))
        for action in self._enter.get(target, []):
            action(id, event, details)
        return target

    def _target(self, id, event, details):
        state = self.state(id)
        fitting = [entry for source in (state, "*") for entry in self._transitions if entry[:2] == (source, event)]
        for _, _, target, guard in fitting:
            if guard is None or guard(**details):
                return target
        raise (Refused if fitting else NoTransition)(id, state, event)
