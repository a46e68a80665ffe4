"""Systems of linear equations."""

from linear.matrix import ShapeError


def solve(a, b):
    """The column `x` with `a @ x == b`."""
    inverse = a.inverse()
    if b.shape != (a.shape[0], 1):
        raise ShapeError("not a column of height {}: {}".format(a.shape[0], b.shape))
    return inverse @ b
