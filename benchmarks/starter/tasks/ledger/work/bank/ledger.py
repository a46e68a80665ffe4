"""Accounts and what is on them."""

from bank.errors import InsufficientFunds


class Ledger:
    def __init__(self):
        self._balances = {}

    def open(self, name):
        self._balances[name] = 0

    def names(self):
        """In the order of opening."""
        return list(self._balances)

    def balance(self, name):
        return self._balances[name]

    def deposit(self, name, amount):
        self._balances[name] += amount

    def withdraw(self, name, amount):
        if self._balances[name] < amount:
            raise InsufficientFunds(name)
        self._balances[name] -= amount

    def transfer(self, source, target, amount):
        self.withdraw(source, amount)
        self.deposit(target, amount)
