from agenda.queue import Agenda

__all__ = ["Agenda"]
