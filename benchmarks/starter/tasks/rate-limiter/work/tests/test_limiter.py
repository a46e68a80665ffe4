import unittest

from limiter import TokenBucket


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


class TokenBucketTest(unittest.TestCase):
    def setUp(self):
        self.clock = Clock()
        self.bucket = TokenBucket(2, 3, self.clock)

    def test_burst(self):
        self.assertEqual([self.bucket.allow() for _ in range(4)], [True, True, True, False])

    def test_refill(self):
        for _ in range(3):
            self.bucket.allow()
        self.clock.now += 0.5
        self.assertEqual([self.bucket.allow(), self.bucket.allow()], [True, False])

    def test_idle_time_is_not_saved_up(self):
        self.clock.now += 3600
        self.assertEqual([self.bucket.allow() for _ in range(4)], [True, True, True, False])

    def test_wait(self):
        self.assertEqual(self.bucket.wait(3), 0.0)
