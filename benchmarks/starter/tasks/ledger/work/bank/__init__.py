from bank.errors import InsufficientFunds
from bank.ledger import Ledger

__all__ = ["InsufficientFunds", "Ledger"]
