from limiter.bucket import TokenBucket

__all__ = ["TokenBucket"]
