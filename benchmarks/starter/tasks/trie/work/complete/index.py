"""Words from a file."""

from complete.trie import Trie


def load(lines):
    trie = Trie()
    for line in lines:
        word, weight = line.split()
        trie.add(word, int(weight))
    return trie
