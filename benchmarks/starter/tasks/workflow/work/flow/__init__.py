from flow.machine import Machine

__all__ = ["Machine"]
