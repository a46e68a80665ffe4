import unittest

from signals import Bus, DeliveryError


class Case(unittest.TestCase):
    def setUp(self):
        self.bus = Bus()
        self.seen = []

    def add(self, name, pattern="t", then=None, **settings):
        def handler(topic, value):
            self.seen.append(name)
            if then:
                then()

        return self.bus.subscribe(pattern, handler, **settings)

    def publish(self, topic="t"):
        self.seen.clear()
        self.bus.publish(topic)
        return self.seen


class DeliveryTest(Case):
    def test_arguments_and_count(self):
        got = []
        self.bus.subscribe("a.b", lambda *args: got.append(args))
        self.assertEqual(self.bus.publish("a.b", 7), 1)
        self.assertEqual(self.bus.publish("a.b"), 1)
        self.assertEqual(self.bus.publish("other"), 0)
        self.assertEqual(got, [("a.b", 7), ("a.b", None)])

    def test_unsubscribing_oneself(self):
        token = self.add("a", then=lambda: self.bus.unsubscribe(token))
        self.add("b")
        self.add("c")
        self.assertEqual(self.publish(), ["a", "b", "c"])
        self.assertEqual(self.publish(), ["b", "c"])

    def test_unsubscribing_a_later_one(self):
        self.add("a", then=lambda: self.bus.unsubscribe(later))
        self.add("b")
        later = self.add("c")
        self.assertEqual(self.publish(), ["a", "b"])

    def test_subscribing_meanwhile(self):
        self.add("a", then=lambda: self.add("new"))
        self.assertEqual(self.publish(), ["a"])
        self.assertEqual(self.publish(), ["a", "new"])

    def test_nested_publish(self):
        self.add("outer", "x", then=lambda: self.bus.publish("y"))
        self.add("inner", "y")
        self.add("last", "x")
        self.assertEqual(self.publish("x"), ["outer", "inner", "last"])

    def test_priority(self):
        self.add("a")
        self.add("b", priority=1)
        self.add("c", "#", priority=1)
        self.add("d", "*", priority=-1)
        self.add("e")
        self.assertEqual(self.publish(), ["b", "c", "a", "e", "d"])

    def test_same_handler_twice(self):
        calls = []

        def handler(topic, value):
            calls.append(value)

        first = self.bus.subscribe("t", handler)
        self.bus.subscribe("t", handler)
        self.assertEqual(self.bus.publish("t", 1), 2)
        self.assertTrue(self.bus.unsubscribe(first))
        self.assertFalse(self.bus.unsubscribe(first))
        self.assertEqual(self.bus.publish("t", 2), 1)
        self.assertEqual(calls, [1, 1, 2])

    def test_once(self):
        token = self.add("once", once=True)
        self.add("always")
        self.assertEqual(self.publish(), ["once", "always"])
        self.assertEqual(self.publish(), ["always"])
        self.assertFalse(self.bus.unsubscribe(token))

    def test_once_and_nested(self):
        self.add("once", once=True, then=lambda: self.bus.publish("t"))
        self.assertEqual(self.publish(), ["once"])


class PatternTest(Case):
    def test_patterns(self):
        for pattern, yes, no in [
            ("order.*", ["order.paid"], ["order", "order.paid.late", "other.paid"]),
            ("*.paid", ["order.paid"], ["paid", "a.b.paid", "order.open"]),
            ("*", ["order"], ["order.paid"]),
            ("order.#", ["order", "order.paid", "order.paid.late"], ["orders", "my.order"]),
            ("#", ["a", "a.b.c"], []),
            ("*.#", ["a", "a.b"], []),
            ("a.*.c", ["a.b.c"], ["a.c", "a.b.b.c", "a.b.d"]),
            ("a+b", ["a+b"], ["aab"]),
        ]:
            bus = Bus()
            bus.subscribe(pattern, lambda topic, value: None)
            for topic in yes:
                self.assertEqual(bus.publish(topic), 1, (pattern, topic))
            for topic in no:
                self.assertEqual(bus.publish(topic), 0, (pattern, topic))

    def test_bad_patterns(self):
        for pattern in ("", ".", "a.", ".a", "a..b", "#.a", "a.#.b"):
            with self.assertRaises(ValueError, msg=pattern):
                self.bus.subscribe(pattern, print)

    def test_bad_topics(self):
        for topic in ("", "a.", "a..b", "*", "a.*", "#", "a.#"):
            with self.assertRaises(ValueError, msg=topic):
                self.bus.publish(topic)


class ErrorTest(Case):
    def test_others_are_called(self):
        def fail(topic, value):
            raise KeyError(value)

        self.bus.subscribe("t", fail)
        self.add("b")
        self.bus.subscribe("t", lambda topic, value: 1 / 0)
        self.add("c")
        with self.assertRaises(DeliveryError) as caught:
            self.bus.publish("t", "x")
        self.assertEqual([type(error) for error in caught.exception.errors], [KeyError, ZeroDivisionError])
        self.assertEqual(self.seen, ["b", "c"])

    def test_interrupts_pass_through(self):
        def stop(topic, value):
            raise GeneratorExit

        self.bus.subscribe("t", stop)
        self.add("later")
        with self.assertRaises(GeneratorExit):
            self.bus.publish("t")
        self.assertEqual(self.seen, [])
