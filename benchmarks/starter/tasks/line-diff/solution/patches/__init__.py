from patches.compare import Hunk, diff
from patches.applying import Conflict, apply, reverse

__all__ = ["Conflict", "Hunk", "apply", "diff", "reverse"]
