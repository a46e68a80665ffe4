"""One bucket for each key, such as a user or an address."""

from limiter.bucket import TokenBucket


class KeyedLimiter:
    def __init__(self, rate, burst, clock, capacity=1000):
        self.rate = rate
        self.burst = burst
        self.clock = clock
        self.capacity = capacity
        self.buckets = {}

    def __len__(self):
        return len(self.buckets)

    def allow(self, key, cost=1):
        if key not in self.buckets:
            self.buckets[key] = TokenBucket(self.rate, self.burst, self.clock)
        return self.buckets[key].allow(cost)
