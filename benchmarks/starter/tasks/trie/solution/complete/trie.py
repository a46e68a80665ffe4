"""Words by their letters."""


class Node:
    def __init__(self):
        self.children = {}
        self.weight = None


class Trie:
    def __init__(self):
        self.root = Node()
        self._count = 0

    def __len__(self):
        return self._count

    def __contains__(self, word):
        node = self._find(word)
        return node is not None and node.weight is not None

    def add(self, word, weight=1):
        if not word:
            raise ValueError("an empty word")
        node = self.root
        for letter in word:
            node = node.children.setdefault(letter, Node())
        self._count += node.weight is None
        node.weight = weight

    def remove(self, word):
        """Whether `word` was there."""
        if word not in self:
            return False
        path = [self.root]
        for letter in word:
            path.append(path[-1].children[letter])
        path[-1].weight = None
        self._count -= 1
        for parent, letter, node in zip(path[-2::-1], reversed(word), reversed(path)):
            if node.children or node.weight is not None:
                break
            del parent.children[letter]
        return True

    def complete(self, prefix, limit=5):
        node = self._find(prefix)
        found = sorted(self._words(node, prefix)) if node else []
        return [word for _, word in found[: max(limit, 0)]]

    def longest_prefix(self, text):
        node, longest = self.root, None
        for at, letter in enumerate(text, 1):
            node = node.children.get(letter)
            if node is None:
                break
            if node.weight is not None:
                longest = text[:at]
        return longest

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
            yield -node.weight, prefix
        for letter, child in node.children.items():
            yield from self._words(child, prefix + letter)
