"""Publish and subscribe."""

import itertools

from signals.topics import matches, pattern_words, topic_words


class DeliveryError(Exception):
    """Handlers failed; `errors` are their exceptions."""

    def __init__(self, errors):
        super().__init__("{} handlers failed".format(len(errors)))
        self.errors = errors


class Bus:
    def __init__(self):
        self._subscriptions = {}
        self._tokens = itertools.count(1)

    def subscribe(self, topic, handler, priority=0, once=False):
        """Returns a token for `unsubscribe`."""
        pattern = pattern_words(topic)
        token = next(self._tokens)
        self._subscriptions[token] = (pattern, handler, priority, once)
        return token

    def unsubscribe(self, token):
        return self._subscriptions.pop(token, None) is not None

    def publish(self, topic, value=None):
        """Returns how many handlers were called."""
        name = topic_words(topic)
        due = [token for token, entry in self._subscriptions.items() if matches(entry[0], name)]
        due.sort(key=lambda token: (-self._subscriptions[token][2], token))
        called, errors = 0, []
        for token in due:
            if token not in self._subscriptions:
                continue
            _, handler, _, once = self._subscriptions[token]
            if once:
                self.unsubscribe(token)
            called += 1
            try:
                handler(topic, value)
            except Exception as error:
                errors.append(error)
        if errors:
            raise DeliveryError(errors)
        return called
