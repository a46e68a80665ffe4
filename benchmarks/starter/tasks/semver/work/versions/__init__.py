from versions.version import Version

__all__ = ["Version"]
