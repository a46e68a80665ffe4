"""Amounts of money in whole cents."""


class Money:
    def __init__(self, cents, currency):
        self.cents = cents
        self.currency = currency

    @classmethod
    def parse(cls, text):
        number, currency = text.split(" ")
        whole, cents = number.split(".")
        sign = -1 if int(whole) < 0 else 1
        return cls(int(whole) * 100 + sign * int(cents), currency)

    def __eq__(self, other):
        return isinstance(other, Money) and (self.cents, self.currency) == (other.cents, other.currency)

    def __hash__(self):
        return hash((self.cents, self.currency))

    def __add__(self, other):
        if self.currency != other.currency:
            raise ValueError("cannot add {} to {}".format(other.currency, self.currency))
        return Money(self.cents + other.cents, self.currency)

    def __str__(self):
        return "{}.{} {}".format(self.cents // 100, self.cents % 100, self.currency)

    def __repr__(self):
        return "Money({!r}, {!r})".format(self.cents, self.currency)
