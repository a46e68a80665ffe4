from tally.bill import split
from tally.money import Money

__all__ = ["Money", "split"]
