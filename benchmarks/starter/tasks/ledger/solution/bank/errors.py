"""What can go wrong."""


class InsufficientFunds(ValueError):
    """`account` lacks `missing` cents."""

    def __init__(self, account, missing):
        super().__init__("{} lacks {} cents".format(account, missing))
        self.account = account
        self.missing = missing


class UnknownAccount(KeyError):
    pass
