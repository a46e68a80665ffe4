from buildorder.order import CycleError, levels, plan

__all__ = ["CycleError", "levels", "plan"]
