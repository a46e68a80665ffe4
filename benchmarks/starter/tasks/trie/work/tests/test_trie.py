import unittest

from complete import Trie
from complete.index import load


class TrieTest(unittest.TestCase):
    def setUp(self):
        self.trie = Trie()
        for word, weight in [("car", 2), ("cart", 5), ("care", 2), ("dog", 1)]:
            self.trie.add(word, weight)

    def test_complete(self):
        self.assertEqual(self.trie.complete("ca"), ["cart", "car", "care"])

    def test_unknown_prefix(self):
        self.assertEqual(self.trie.complete("x"), [])

    def test_remove(self):
        self.assertTrue(self.trie.remove("car"))
        self.assertEqual(self.trie.complete("car"), ["cart", "care"])

    def test_load(self):
        self.assertIn("fox", load(["fox 3", "hen 1"]).complete("f"))
