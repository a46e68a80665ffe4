from layout.wrapping import justify, wrap

__all__ = ["justify", "wrap"]
