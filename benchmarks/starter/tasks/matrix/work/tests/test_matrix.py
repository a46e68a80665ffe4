import unittest
from fractions import Fraction

from linear import Matrix


class MatrixTest(unittest.TestCase):
    def test_product(self):
        product = Matrix([[1, 2], [3, 4]]) @ Matrix([[0, 1], [1, 0]])
        self.assertEqual([product[0, 0], product[0, 1]], [2, 1])

    def test_equal(self):
        self.assertEqual(Matrix([[1, 2]]), Matrix([[1, 2]]))

    def test_inverse(self):
        inverse = Matrix([[2, 0], [0, 4]]).inverse()
        self.assertEqual(inverse, Matrix([[Fraction(1, 2), 0], [0, Fraction(1, 4)]]))

    def test_determinant(self):
        self.assertEqual(Matrix([[1, 2], [3, 4]]).determinant(), -2)
