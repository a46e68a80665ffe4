from signals.bus import Bus

__all__ = ["Bus"]
