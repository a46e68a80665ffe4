from buildorder.order import plan

__all__ = ["plan"]
