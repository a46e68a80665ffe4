"""A token bucket."""


class TokenBucket:
    """Allows `burst` calls at once and `rate` a second in the long run."""

    def __init__(self, rate, burst, clock):
        if rate <= 0 or burst <= 0:
            raise ValueError("rate and burst must be greater than 0")
        self.rate = rate
        self.burst = burst
        self.clock = clock
        self.tokens = burst
        self.seen = clock()

    @property
    def full(self):
        self._refill()
        return self.tokens >= self.burst

    def allow(self, cost=1):
        self._check(cost)
        self._refill()
        if self.tokens < cost:
            return False
        self.tokens -= cost
        return True

    def wait(self, cost=1):
        """Seconds until `allow(cost)` would succeed."""
        self._check(cost)
        self._refill()
        return max(0.0, (cost - self.tokens) / self.rate)

    def _check(self, cost):
        if not 0 <= cost <= self.burst:
            raise ValueError("a cost must be between 0 and {}".format(self.burst))

    def _refill(self):
        now = self.clock()
        if now > self.seen:
            self.tokens = min(self.burst, self.tokens + (now - self.seen) * self.rate)
        self.seen = now
