from rolling.window import Window

__all__ = ["Window"]
