"""Publish and subscribe."""


class Bus:
    def __init__(self):
        self._handlers = {}

    def subscribe(self, topic, handler):
        self._handlers.setdefault(topic, []).append(handler)

    def unsubscribe(self, topic, handler):
        self._handlers[topic].remove(handler)

    def publish(self, topic, value=None):
        for handler in self._handlers.get(topic, []):
            handler(topic, value)
