from bank.errors import InsufficientFunds, UnknownAccount
from bank.ledger import Ledger

__all__ = ["InsufficientFunds", "Ledger", "UnknownAccount"]
