from patches.compare import Hunk, diff

__all__ = ["Hunk", "diff"]
