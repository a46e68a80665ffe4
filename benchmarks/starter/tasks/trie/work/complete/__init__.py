from complete.trie import Trie

__all__ = ["Trie"]
