from layers.environment import from_environment
from layers.merging import DELETE, MergeError, merge, origin

__all__ = ["DELETE", "MergeError", "from_environment", "merge", "origin"]
