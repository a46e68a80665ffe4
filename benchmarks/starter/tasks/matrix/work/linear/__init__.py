from linear.matrix import Matrix

__all__ = ["Matrix"]
