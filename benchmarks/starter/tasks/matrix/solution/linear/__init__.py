from linear.matrix import Matrix, ShapeError, Singular
from linear.solving import solve

__all__ = ["Matrix", "ShapeError", "Singular", "solve"]
