"""Who pays what."""

from tally.money import Money


def split(total, weights):
    whole = sum(weights)
    return [Money(int(total.cents * weight / whole), total.currency) for weight in weights]
