from lazily.chunking import chunks, windows
from lazily.peeking import Peekable

__all__ = ["Peekable", "chunks", "windows"]
