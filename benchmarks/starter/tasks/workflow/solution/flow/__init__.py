from flow.machine import FlowError, Machine, NoTransition, Refused

__all__ = ["FlowError", "Machine", "NoTransition", "Refused"]
