"""One bucket for each key, such as a user or an address."""

from limiter.bucket import TokenBucket


class KeyedLimiter:
    """At most `capacity` buckets, the least recently used one first."""

    def __init__(self, rate, burst, clock, capacity=1000):
        self.rate = rate
        self.burst = burst
        self.clock = clock
        self.capacity = capacity
        self.buckets = {}

    def __len__(self):
        return len(self.buckets)

    def allow(self, key, cost=1):
        bucket = self.buckets.pop(key, None)
        if bucket is None:
            self._make_room()
            bucket = TokenBucket(self.rate, self.burst, self.clock)
        self.buckets[key] = bucket
        return bucket.allow(cost)

    def _make_room(self):
        if len(self.buckets) < self.capacity:
            return
        for key in [key for key, bucket in self.buckets.items() if bucket.full]:
            del self.buckets[key]
        if len(self.buckets) >= self.capacity:
            del self.buckets[next(iter(self.buckets))]
