import unittest

from bank import InsufficientFunds, Ledger, UnknownAccount
from bank.audit import check


class Case(unittest.TestCase):
    def setUp(self):
        self.ledger = Ledger()
        self.ledger.open("ann")
        self.ledger.open("bob", overdraft=50)
        self.ledger.open("eve")
        self.ledger.deposit("ann", 100)

    def balances(self):
        return [self.ledger.balance(name) for name in self.ledger.names()]

    def refused(self, error, method, *arguments):
        before = (self.balances(), [self.ledger.history(name) for name in self.ledger.names()])
        with self.assertRaises(error) as caught:
            method(*arguments)
        self.assertEqual((self.balances(), [self.ledger.history(name) for name in self.ledger.names()]), before)
        return caught.exception


class TransferTest(Case):
    def test_overdraft(self):
        self.ledger.transfer("bob", "ann", 50)
        self.assertEqual(self.balances(), [150, -50, 0])
        error = self.refused(InsufficientFunds, self.ledger.transfer, "bob", "ann", 7)
        self.assertEqual((error.account, error.missing), ("bob", 7))
        self.assertIsInstance(error, ValueError)

    def test_missing_counts_the_balance(self):
        error = self.refused(InsufficientFunds, self.ledger.withdraw, "ann", 130)
        self.assertEqual((error.account, error.missing), ("ann", 30))

    def test_accounts(self):
        for source, target in (("ann", "x"), ("x", "ann"), ("x", "y")):
            error = self.refused(UnknownAccount, self.ledger.transfer, source, target, 1)
            self.assertIsInstance(error, KeyError)
            self.assertIn("x", str(error))

    def test_amounts(self):
        for amount in (0, -5, 1.5, 2.0, "3", None, True):
            self.refused(ValueError, self.ledger.transfer, "ann", "bob", amount)
            self.refused(ValueError, self.ledger.deposit, "ann", amount)
            self.refused(ValueError, self.ledger.withdraw, "ann", amount)
            self.refused(ValueError, self.ledger.batch, [("ann", "bob", 1), ("ann", "bob", amount)])

    def test_to_oneself(self):
        self.refused(ValueError, self.ledger.transfer, "ann", "ann", 1)

    def test_order_of_checks(self):
        error = self.refused(ValueError, self.ledger.transfer, "x", "y", 0)
        self.assertNotIsInstance(error, KeyError)
        self.refused(UnknownAccount, self.ledger.transfer, "x", "x", 1)
        error = self.refused(ValueError, self.ledger.transfer, "ann", "ann", 1000)
        self.assertNotIsInstance(error, InsufficientFunds)


class BatchTest(Case):
    def test_all(self):
        self.ledger.batch([("ann", "bob", 10), ("ann", "eve", 20)])
        self.assertEqual(self.balances(), [70, 10, 20])

    def test_money_may_pass_through(self):
        self.ledger.batch([("eve", "bob", 60), ("ann", "eve", 60)])
        self.assertEqual(self.balances(), [40, 60, 0])
        self.assertEqual(self.ledger.history("eve"), [(2, -60, -60), (3, 60, 0)])

    def test_none(self):
        error = self.refused(InsufficientFunds, self.ledger.batch, [("ann", "eve", 90), ("bob", "eve", 60), ("ann", "eve", 30)])
        self.assertEqual((error.account, error.missing), ("ann", 20))
        self.refused(UnknownAccount, self.ledger.batch, [("ann", "eve", 90), ("ann", "x", 1)])
        self.refused(ValueError, self.ledger.batch, [("ann", "eve", 90), ("eve", "eve", 1)])

    def test_empty(self):
        self.ledger.batch([])
        self.ledger.deposit("eve", 1)
        self.assertEqual(self.ledger.history("eve"), [(2, 1, 1)])


class HistoryTest(Case):
    def test_numbers(self):
        self.ledger.transfer("ann", "bob", 30)
        self.refused(InsufficientFunds, self.ledger.withdraw, "eve", 1)
        self.ledger.batch([("ann", "eve", 1), ("bob", "eve", 2)])
        self.ledger.withdraw("eve", 3)
        self.assertEqual(self.ledger.history("ann"), [(1, 100, 100), (2, -30, 70), (3, -1, 69)])
        self.assertEqual(self.ledger.history("bob"), [(2, 30, 30), (4, -2, 28)])
        self.assertEqual(self.ledger.history("eve"), [(3, 1, 1), (4, 2, 3), (5, -3, 0)])

    def test_copies(self):
        self.ledger.history("ann").clear()
        self.assertEqual(self.ledger.history("ann"), [(1, 100, 100)])


class AccountTest(Case):
    def test_open_twice(self):
        self.refused(ValueError, self.ledger.open, "ann")
        self.assertEqual(self.ledger.balance("ann"), 100)

    def test_close(self):
        self.refused(ValueError, self.ledger.close, "ann")
        self.ledger.withdraw("ann", 100)
        self.ledger.close("ann")
        self.assertEqual(self.ledger.names(), ["bob", "eve"])
        self.ledger.open("ann", 5)
        self.assertEqual(self.ledger.names(), ["bob", "eve", "ann"])
        self.assertEqual((self.ledger.balance("ann"), self.ledger.overdraft("ann"), self.ledger.history("ann")), (0, 5, []))

    def test_total(self):
        self.assertEqual(self.ledger.total(), 100)
        self.ledger.transfer("bob", "eve", 20)
        self.assertEqual(self.ledger.total(), 100)

    def test_unknown(self):
        for method in (self.ledger.balance, self.ledger.history, self.ledger.close, self.ledger.overdraft):
            self.refused(UnknownAccount, method, "x")
        for method in (self.ledger.deposit, self.ledger.withdraw):
            self.refused(UnknownAccount, method, "x", 1)


class Books:
    def __init__(self, **accounts):
        self.accounts = accounts

    def names(self):
        return list(self.accounts)

    def balance(self, name):
        return self.accounts[name][0]

    def overdraft(self, name):
        return self.accounts[name][1]

    def history(self, name):
        return self.accounts[name][2]


class AuditTest(Case):
    def test_sound(self):
        self.ledger.transfer("bob", "eve", 20)
        self.assertEqual(check(self.ledger), [])

    def test_unsound(self):
        books = Books(z=(5, 0, [(1, 5, 5)]), b=(6, 0, [(1, 5, 5)]), a=(-2, 1, [(2, -2, -2)]), c=(-1, 1, [(2, -1, -1)]), d=(1, 0, []))
        self.assertEqual(check(books), ["b", "a", "d"])
