import random
import unittest
from fractions import Fraction

from linear import Matrix, ShapeError, Singular, solve


class BasicTest(unittest.TestCase):
    def test_nothing_is_shared(self):
        rows = [[1, 2], [3, 4]]
        matrix = Matrix(rows)
        rows[0][0] = 9
        rows.append([5, 6])
        self.assertEqual((matrix[0, 0], matrix.shape), (1, (2, 2)))
        self.assertEqual(Matrix.zero(2, 3), Matrix([[0, 0, 0], [0, 0, 0]]))
        with self.assertRaises(TypeError):
            matrix[0, 0] = 5

    def test_bad_rows(self):
        for rows in ([], [[]], [[1, 2], [3]], [[], []]):
            with self.assertRaises(ValueError):
                Matrix(rows)
        with self.assertRaises(ValueError):
            Matrix.zero(0, 2)

    def test_any_iterables(self):
        self.assertEqual(Matrix(iter([(1, 2), range(2)])), Matrix([[1, 2], [0, 1]]))

    def test_elements(self):
        matrix = Matrix([[1, 2, 3], [4, 5, 6]])
        self.assertEqual((matrix[1, 2], matrix.shape), (6, (2, 3)))
        for place in ((2, 0), (0, 3), (-1, 0), (0, -1)):
            with self.assertRaises(IndexError):
                matrix[place]

    def test_equality(self):
        self.assertEqual(hash(Matrix([[1, 2]])), hash(Matrix([[1.0, Fraction(2)]])))
        self.assertNotEqual(Matrix([[1, 2]]), Matrix([[1], [2]]))
        self.assertNotEqual(Matrix([[1]]), [[1]])
        self.assertEqual(len({Matrix([[1]]), Matrix([[1]])}), 1)


class ArithmeticTest(unittest.TestCase):
    def test_operations(self):
        a, b = Matrix([[1, 2], [3, 4]]), Matrix([[0, 1], [-1, 2]])
        self.assertEqual(a + b, Matrix([[1, 3], [2, 6]]))
        self.assertEqual(a - b, Matrix([[1, 1], [4, 2]]))
        self.assertEqual(a * 2, Matrix([[2, 4], [6, 8]]))
        self.assertEqual(Fraction(1, 2) * a, Matrix([[Fraction(1, 2), 1], [Fraction(3, 2), 2]]))
        self.assertEqual(a @ b, Matrix([[-2, 5], [-4, 11]]))
        self.assertEqual(Matrix([[1, 2, 3]]).transposed(), Matrix([[1], [2], [3]]))
        self.assertEqual(Matrix([[1, 2, 3]]) @ Matrix([[1], [2], [3]]), Matrix([[14]]))

    def test_shapes(self):
        a, b = Matrix([[1, 2]]), Matrix([[1], [2]])
        for operation in (lambda: a + b, lambda: a - b, lambda: a @ a, a.determinant, a.inverse, lambda: a**2, lambda: a**0):
            with self.assertRaises(ShapeError):
                operation()
        self.assertTrue(issubclass(ShapeError, ValueError))

    def test_powers(self):
        a = Matrix([[1, 1], [1, 0]])
        self.assertEqual(a**0, Matrix.identity(2))
        self.assertEqual(a**1, a)
        self.assertEqual((a**10)[0, 1], 55)
        self.assertEqual(a**-2, Matrix([[1, -1], [-1, 2]]))
        self.assertEqual((a ** (10**4))[0, 1] % 10**9, 947366875)
        with self.assertRaises(Singular):
            Matrix([[0]]) ** -1


class InverseTest(unittest.TestCase):
    def test_determinant(self):
        for rows, wanted in [
            ([[7]], 7), ([[1, 2], [3, 4]], -2), ([[0, 1], [1, 0]], -1), ([[0, 0], [1, 2]], 0), ([[2, 0, 1], [1, 3, 2], [1, 1, 1]], 0), ([[0, 2, 1], [3, 0, 1], [1, 1, 0]], 5),
            ([[10**20, 1], [1, 10**20]], 10**40 - 1), ([[Fraction(1, 2), 1], [1, 4]], 1),
        ]:
            self.assertEqual(Matrix(rows).determinant(), wanted, rows)

    def test_large_determinant(self):
        size = 12
        rows = [[min(i, j) + 1 for j in range(size)] for i in range(size)]
        self.assertEqual(Matrix(rows).determinant(), 1)

    def test_inverse(self):
        inverse = Matrix([[0, 2], [3, 0]]).inverse()
        self.assertEqual(inverse, Matrix([[0, Fraction(1, 3)], [Fraction(1, 2), 0]]))
        self.assertTrue(all(isinstance(inverse[i, j], Fraction) for i in (0, 1) for j in (0, 1)))
        with self.assertRaises(Singular):
            Matrix([[1, 2], [2, 4]]).inverse()
        self.assertTrue(issubclass(Singular, ValueError))

    def test_random(self):
        rng = random.Random(11)
        for _ in range(50):
            size = rng.randrange(1, 6)
            matrix = Matrix([[rng.randrange(-3, 4) for _ in range(size)] for _ in range(size)])
            if matrix.determinant():
                self.assertEqual(matrix @ matrix.inverse(), Matrix.identity(size))
                self.assertEqual(matrix.inverse() @ matrix, Matrix.identity(size))
            else:
                with self.assertRaises(Singular):
                    matrix.inverse()


class SolveTest(unittest.TestCase):
    def test_solve(self):
        a = Matrix([[0, 1, 1], [2, 0, 1], [1, 1, 0]])
        x = Matrix([[1], [Fraction(1, 3)], [-2]])
        self.assertEqual(solve(a, a @ x), x)

    def test_errors(self):
        a = Matrix([[1, 2], [3, 4]])
        for left, right in ((a, Matrix([[1], [2], [3]])), (a, Matrix([[1, 2], [3, 4]])), (Matrix([[1, 2]]), Matrix([[1]]))):
            with self.assertRaises(ShapeError):
                solve(left, right)
        with self.assertRaises(Singular):
            solve(Matrix([[1, 2], [2, 4]]), Matrix([[1], [2]]))
