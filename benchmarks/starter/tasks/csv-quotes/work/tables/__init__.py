from tables.reader import read
from tables.writer import write

__all__ = ["read", "write"]
