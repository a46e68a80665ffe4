"""Small matrices."""

from fractions import Fraction


class ShapeError(ValueError):
    pass


class Singular(ValueError):
    pass


class Matrix:
    """Immutable; rows are tuples."""

    def __init__(self, rows):
        self._rows = tuple(tuple(row) for row in rows)
        if not self._rows or not self._rows[0] or len({len(row) for row in self._rows}) > 1:
            raise ValueError("a matrix has rows of equal length")

    @classmethod
    def zero(cls, rows, columns):
        return cls([[0] * columns for _ in range(rows)])

    @classmethod
    def identity(cls, size):
        return cls([[int(i == j) for j in range(size)] for i in range(size)])

    @property
    def shape(self):
        return len(self._rows), len(self._rows[0])

    def __getitem__(self, place):
        row, column = place
        if row < 0 or column < 0:
            raise IndexError(place)
        return self._rows[row][column]

    def __eq__(self, other):
        return self._rows == other._rows if isinstance(other, Matrix) else NotImplemented

    def __hash__(self):
        return hash(self._rows)

    def __repr__(self):
        return "Matrix({!r})".format([list(row) for row in self._rows])

    def __add__(self, other):
        return self._pairwise(other, lambda a, b: a + b)

    def __sub__(self, other):
        return self._pairwise(other, lambda a, b: a - b)

    def __mul__(self, number):
        return Matrix([[number * a for a in row] for row in self._rows])

    __rmul__ = __mul__

    def __matmul__(self, other):
        if self.shape[1] != other.shape[0]:
            raise ShapeError("{} @ {}".format(self.shape, other.shape))
        columns = list(zip(*other._rows))
        return Matrix([[sum(a * b for a, b in zip(row, column)) for column in columns] for row in self._rows])

    def __pow__(self, n):
        base, result = self, Matrix.identity(self._size())
        if n < 0:
            base, n = self.inverse(), -n
        while n:
            if n % 2:
                result = result @ base
            base, n = base @ base, n // 2
        return result

    def transposed(self):
        return Matrix(zip(*self._rows))

    def determinant(self):
        return self._eliminated(Matrix.identity(self._size()))[0]

    def inverse(self):
        determinant, right = self._eliminated(Matrix.identity(self._size()))
        if not determinant:
            raise Singular("no inverse")
        return Matrix(right)

    def _size(self):
        if self.shape[0] != self.shape[1]:
            raise ShapeError("not square: {}".format(self.shape))
        return self.shape[0]

    def _pairwise(self, other, operation):
        if self.shape != other.shape:
            raise ShapeError("{} and {}".format(self.shape, other.shape))
        return Matrix([[operation(a, b) for a, b in zip(*rows)] for rows in zip(self._rows, other._rows)])

    def _eliminated(self, right):
        """The determinant, and `right` after the steps that turn this matrix into the identity."""
        size = self._size()
        rows = [[Fraction(a) for a in row + other] for row, other in zip(self._rows, right._rows)]
        determinant = Fraction(1)
        for n in range(size):
            pivot = next((k for k in range(n, size) if rows[k][n]), None)
            if pivot is None:
                return Fraction(0), None
            if pivot != n:
                rows[n], rows[pivot] = rows[pivot], rows[n]
                determinant = -determinant
            determinant *= rows[n][n]
            rows[n] = [a / rows[n][n] for a in rows[n]]
            for k in range(size):
                if k != n and rows[k][n]:
                    rows[k] = [a - rows[k][n] * b for a, b in zip(rows[k], rows[n])]
        return determinant, [row[size:] for row in rows]
