"""Words from a file."""

from complete.trie import Trie


def load(lines):
    trie = Trie()
    for number, line in enumerate(lines, 1):
        parts = line.split()
        if not parts or parts[0].startswith("#"):
            continue
        try:
            (weight,) = parts[1:] or ["1"]
            trie.add(parts[0], int(weight))
        except ValueError:
            raise ValueError("line {}: not a word and a weight: {}".format(number, line.strip())) from None
    return trie
