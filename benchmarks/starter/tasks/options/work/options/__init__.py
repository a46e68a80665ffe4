from options.parser import Parser

__all__ = ["Parser"]
