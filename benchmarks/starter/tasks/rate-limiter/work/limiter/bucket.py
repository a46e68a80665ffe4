"""A token bucket."""


class TokenBucket:
    def __init__(self, rate, burst, clock):
        self.rate = rate
        self.burst = burst
        self.clock = clock
        self.tokens = burst
        self.seen = clock()

    def allow(self, cost=1):
        now = self.clock()
        self.tokens += int((now - self.seen) * self.rate)
        self.seen = now
        if self.tokens >= cost:
            self.tokens -= cost
            return True
        return False
