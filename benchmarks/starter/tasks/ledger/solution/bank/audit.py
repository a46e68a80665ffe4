"""Are the books in order?"""


def check(ledger):
    """The names of the accounts that are not."""
    return [name for name in ledger.names() if not _sound(ledger, name)]


def _sound(ledger, name):
    balance = ledger.balance(name)
    return balance == sum(change for _, change, _ in ledger.history(name)) and balance >= -ledger.overdraft(name)
