from versions.ranges import newest
from versions.version import Version

__all__ = ["Version", "newest"]
