from lazily.chunking import chunks, split, windows
from lazily.peeking import Peekable, merge

__all__ = ["Peekable", "chunks", "merge", "split", "windows"]
