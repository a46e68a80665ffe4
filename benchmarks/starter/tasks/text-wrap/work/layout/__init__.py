from layout.wrapping import wrap

__all__ = ["wrap"]
