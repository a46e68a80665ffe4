"""What can go wrong."""


class InsufficientFunds(Exception):
    pass
