import unittest

from bank import InsufficientFunds, Ledger


class LedgerTest(unittest.TestCase):
    def setUp(self):
        self.ledger = Ledger()
        self.ledger.open("ann")
        self.ledger.open("bob")
        self.ledger.deposit("ann", 100)

    def test_transfer(self):
        self.ledger.transfer("ann", "bob", 30)
        self.assertEqual((self.ledger.balance("ann"), self.ledger.balance("bob")), (70, 30))

    def test_funds(self):
        with self.assertRaises(InsufficientFunds):
            self.ledger.transfer("bob", "ann", 1)

    def test_unknown_target(self):
        with self.assertRaises(KeyError):
            self.ledger.transfer("ann", "carl", 30)
        self.assertEqual(self.ledger.balance("ann"), 100)

    def test_history(self):
        self.ledger.transfer("ann", "bob", 30)
        self.assertEqual(self.ledger.history("ann"), [(1, 100, 100), (2, -30, 70)])
