from units.conversion import convert

__all__ = ["convert"]
