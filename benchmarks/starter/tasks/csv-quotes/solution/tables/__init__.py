from tables.reader import TableError, read, records
from tables.writer import write

__all__ = ["TableError", "read", "records", "write"]
