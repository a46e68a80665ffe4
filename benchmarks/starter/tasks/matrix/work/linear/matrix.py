"""Small matrices."""


class Matrix:
    def __init__(self, rows):
        self.rows = rows

    @classmethod
    def zero(cls, rows, columns):
        return cls([[0] * columns] * rows)

    @classmethod
    def identity(cls, size):
        rows = [[0] * size for _ in range(size)]
        for n in range(size):
            rows[n][n] = 1
        return cls(rows)

    @property
    def shape(self):
        return len(self.rows), len(self.rows[0])

    def __getitem__(self, place):
        row, column = place
        return self.rows[row][column]

    def __matmul__(self, other):
        return Matrix([[sum(a * b for a, b in zip(row, column)) for column in zip(*other.rows)] for row in self.rows])

    def determinant(self):
        if len(self.rows) == 1:
            return float(self.rows[0][0])
        total = 0.0
        for n, head in enumerate(self.rows[0]):
            minor = Matrix([row[:n] + row[n + 1 :] for row in self.rows[1:]])
            total += (-1) ** n * head * minor.determinant()
        return total
