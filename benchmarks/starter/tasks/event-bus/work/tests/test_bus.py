import unittest

from signals import Bus


class BusTest(unittest.TestCase):
    def setUp(self):
        self.bus = Bus()
        self.seen = []

    def note(self, name):
        return lambda topic, value: self.seen.append((name, topic, value))

    def test_publish(self):
        self.bus.subscribe("a.b", self.note("one"))
        self.bus.publish("a.b", 1)
        self.bus.publish("a.c", 2)
        self.assertEqual(self.seen, [("one", "a.b", 1)])

    def test_token(self):
        token = self.bus.subscribe("a", self.note("one"))
        self.assertTrue(self.bus.unsubscribe(token))
        self.assertFalse(self.bus.unsubscribe(token))
        self.bus.publish("a")
        self.assertEqual(self.seen, [])

    def test_priority(self):
        self.bus.subscribe("a", self.note("low"))
        self.bus.subscribe("a", self.note("high"), priority=5)
        self.bus.publish("a")
        self.assertEqual([name for name, _, _ in self.seen], ["high", "low"])

    def test_star(self):
        self.bus.subscribe("order.*", self.note("star"))
        self.bus.publish("order.paid")
        self.assertEqual(len(self.seen), 1)
