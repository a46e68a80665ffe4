from units.conversion import Incompatible, convert
from units.table import UnknownUnit

__all__ = ["Incompatible", "UnknownUnit", "convert"]
