"""Amounts of money in whole cents."""

import re

AMOUNT = re.compile(r"([+-]?)([0-9]+|[0-9]{1,3}(?:,[0-9]{3})+)(?:\.([0-9]{1,2}))? ([A-Z]{3})")


class Money:
    def __init__(self, cents, currency):
        self.cents = cents
        self.currency = currency

    @classmethod
    def parse(cls, text):
        found = AMOUNT.fullmatch(text)
        if not found:
            raise ValueError("not an amount of money: {!r}".format(text))
        sign, whole, decimals, currency = found.groups()
        cents = int(whole.replace(",", "")) * 100 + int((decimals or "").ljust(2, "0"))
        return cls(-cents if sign == "-" else cents, currency)

    def __eq__(self, other):
        return isinstance(other, Money) and (self.cents, self.currency) == (other.cents, other.currency)

    def __hash__(self):
        return hash((self.cents, self.currency))

    def __add__(self, other):
        if self.currency != other.currency:
            raise ValueError("cannot add {} to {}".format(other.currency, self.currency))
        return Money(self.cents + other.cents, self.currency)

    def __str__(self):
        whole, cents = divmod(abs(self.cents), 100)
        return "{}{}.{:02} {}".format("-" if self.cents < 0 else "", whole, cents, self.currency)

    def __repr__(self):
        return "Money({!r}, {!r})".format(self.cents, self.currency)
