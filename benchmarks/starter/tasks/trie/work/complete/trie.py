"""Words by their letters."""


class Node:
    def __init__(self):
        self.children = {}
        self.weight = None


class Trie:
    def __init__(self):
        self.root = Node()

    def add(self, word, weight=1):
        node = self.root
        for letter in word:
            node = node.children.setdefault(letter, Node())
        node.weight = (node.weight or 0) + weight

    def remove(self, word):
        node = self._find(word)
        if node is not None:
            node.weight = 0
        return True

    def complete(self, prefix, limit=5):
        node = self._find(prefix)
        words = list(self._words(node, prefix)) if node else []
        return words[:limit]

    def nodes(self):
        stack, count = [self.root], -1
        while stack:
            stack.extend(stack.pop().children.values())
            count += 1
        return count

    def _find(self, prefix):
        node = self.root
        for letter in prefix:
            node = node.children.get(letter)
            if node is None:
                return None
        return node

    def _words(self, node, prefix):
        if node.weight is not None:
            yield prefix
        for letter, child in node.children.items():
            yield from self._words(child, prefix + letter)
