import unittest

from limiter import TokenBucket
from limiter.keyed import KeyedLimiter


class Clock:
    def __init__(self):
        self.now = 64.0

    def __call__(self):
        return self.now


class BucketTest(unittest.TestCase):
    def setUp(self):
        self.clock = Clock()
        self.bucket = TokenBucket(2, 3, self.clock)

    def drain(self):
        while self.bucket.allow():
            pass

    def test_starts_full(self):
        self.assertEqual([self.bucket.allow() for _ in range(4)], [True] * 3 + [False])

    def test_never_more_than_burst(self):
        self.clock.now += 1000
        self.assertTrue(self.bucket.allow(3))
        self.assertFalse(self.bucket.allow())

    def test_fractions_add_up(self):
        self.drain()
        allowed = 0
        for _ in range(64):
            self.clock.now += 0.125
            allowed += self.bucket.allow()
        self.assertEqual(allowed, 16)

    def test_refused_calls_cost_nothing(self):
        self.drain()
        self.clock.now += 0.5
        self.assertFalse(self.bucket.allow(2))
        self.assertTrue(self.bucket.allow(1))

    def test_fractional_cost(self):
        self.assertTrue(self.bucket.allow(2.5))
        self.assertTrue(self.bucket.allow(0.5))
        self.assertFalse(self.bucket.allow(0.25))

    def test_cost_limits(self):
        self.drain()
        self.assertTrue(self.bucket.allow(0))
        for cost in (-1, 3.5, 4):
            with self.assertRaises(ValueError):
                self.bucket.allow(cost)
            with self.assertRaises(ValueError):
                self.bucket.wait(cost)

    def test_wait(self):
        self.assertEqual(self.bucket.wait(3), 0.0)
        self.drain()
        self.assertEqual(self.bucket.wait(), 0.5)
        self.assertEqual(self.bucket.wait(3), 1.5)
        self.assertEqual(self.bucket.wait(0), 0.0)
        self.clock.now += 0.25
        self.assertEqual(self.bucket.wait(), 0.25)
        self.clock.now += self.bucket.wait()
        self.assertTrue(self.bucket.allow())

    def test_wait_takes_nothing(self):
        for _ in range(5):
            self.bucket.wait(3)
        self.assertTrue(self.bucket.allow(3))

    def test_clock_runs_backwards(self):
        self.drain()
        self.clock.now -= 32
        self.assertFalse(self.bucket.allow())
        self.clock.now += 0.5
        self.assertTrue(self.bucket.allow())
        self.assertFalse(self.bucket.allow())

    def test_wait_after_the_clock_ran_backwards(self):
        self.drain()
        self.clock.now -= 16
        self.assertEqual(self.bucket.wait(), 0.5)

    def test_settings(self):
        for rate, burst in ((0, 1), (1, 0), (-1, 1), (1, -2)):
            with self.assertRaises(ValueError):
                TokenBucket(rate, burst, self.clock)

    def test_slow_rate(self):
        bucket = TokenBucket(0.25, 1, self.clock)
        self.assertTrue(bucket.allow())
        self.clock.now += 3.5
        self.assertFalse(bucket.allow())
        self.clock.now += 0.5
        self.assertTrue(bucket.allow())


class KeyedTest(unittest.TestCase):
    def setUp(self):
        self.clock = Clock()
        self.limiter = KeyedLimiter(1, 2, self.clock, capacity=3)

    def test_keys_are_apart(self):
        self.assertEqual([self.limiter.allow("a") for _ in range(3)], [True, True, False])
        self.assertTrue(self.limiter.allow("b"))

    def test_full_buckets_go_first(self):
        self.limiter.allow("old", 2)
        self.limiter.allow("a")
        self.limiter.allow("b")
        self.clock.now += 1
        self.limiter.allow("new")
        self.assertLessEqual(len(self.limiter), 3)
        self.assertTrue(self.limiter.allow("old"))
        self.assertFalse(self.limiter.allow("old"))

    def test_then_the_least_recent(self):
        for key in "abc":
            self.limiter.allow(key, 2)
        self.assertFalse(self.limiter.allow("a"))
        self.limiter.allow("d", 2)
        self.assertEqual(len(self.limiter), 3)
        self.assertFalse(self.limiter.allow("a"))
        self.assertTrue(self.limiter.allow("b"))

    def test_bounded(self):
        for n in range(50):
            self.limiter.allow(n)
            self.assertLessEqual(len(self.limiter), 3)

    def test_known_keys_drop_nothing(self):
        for key in "abc":
            self.limiter.allow(key, 2)
        self.limiter.allow("b")
        self.assertEqual(len(self.limiter), 3)

    def test_bad_cost(self):
        with self.assertRaises(ValueError):
            self.limiter.allow("a", 3)
