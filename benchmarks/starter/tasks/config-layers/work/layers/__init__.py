from layers.merging import merge

__all__ = ["merge"]
