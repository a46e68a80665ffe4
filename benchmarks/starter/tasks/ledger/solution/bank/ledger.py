"""Accounts and what is on them."""

from bank.errors import InsufficientFunds, UnknownAccount


class Account:
    def __init__(self, overdraft):
        self.overdraft = overdraft
        self.balance = 0
        self.history = []


class Ledger:
    """All changes go through `_book`, which checks everything before it changes anything."""

    def __init__(self):
        self._accounts = {}
        self._last = 0

    def open(self, name, overdraft=0):
        if name in self._accounts:
            raise ValueError("{} is open already".format(name))
        self._accounts[name] = Account(overdraft)

    def close(self, name):
        if self._account(name).balance:
            raise ValueError("{} is not empty".format(name))
        del self._accounts[name]

    def names(self):
        """In the order of opening."""
        return list(self._accounts)

    def balance(self, name):
        return self._account(name).balance

    def overdraft(self, name):
        return self._account(name).overdraft

    def history(self, name):
        return list(self._account(name).history)

    def total(self):
        return sum(account.balance for account in self._accounts.values())

    def deposit(self, name, amount):
        _check_amount(amount)
        self._account(name)
        self._book([[(name, amount)]])

    def withdraw(self, name, amount):
        _check_amount(amount)
        self._account(name)
        self._book([[(name, -amount)]])

    def transfer(self, source, target, amount):
        self.batch([(source, target, amount)])

    def batch(self, transfers):
        bookings = []
        for source, target, amount in transfers:
            _check_amount(amount)
            self._account(source)
            self._account(target)
            if source == target:
                raise ValueError("a transfer needs two accounts")
            bookings.append([(source, -amount), (target, amount)])
        self._book(bookings)

    def _account(self, name):
        if name not in self._accounts:
            raise UnknownAccount(name)
        return self._accounts[name]

    def _book(self, bookings):
        changes = {}
        for booking in bookings:
            for name, change in booking:
                changes[name] = changes.get(name, 0) + change
        for name, account in self._accounts.items():
            missing = -account.overdraft - account.balance - changes.get(name, 0)
            if missing > 0:
                raise InsufficientFunds(name, missing)
        for booking in bookings:
            self._last += 1
            for name, change in booking:
                account = self._accounts[name]
                account.balance += change
                account.history.append((self._last, change, account.balance))


def _check_amount(amount):
    if not isinstance(amount, int) or isinstance(amount, bool) or amount <= 0:
        raise ValueError("not an amount: {!r}".format(amount))
