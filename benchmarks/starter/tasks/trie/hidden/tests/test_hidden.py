import unittest

from complete import Trie
from complete.index import load


def trie(**weights):
    made = Trie()
    for word, weight in weights.items():
        made.add(word, weight)
    return made


class TrieTest(unittest.TestCase):
    def test_order(self):
        words = trie(b=1, ab=1, abc=3, a=1, z=2)
        self.assertEqual(words.complete(""), ["abc", "z", "a", "ab", "b"])
        self.assertEqual(words.complete("a"), ["abc", "a", "ab"])
        self.assertEqual(words.complete("abc"), ["abc"])
        self.assertEqual(words.complete("abcd"), [])

    def test_limit(self):
        words = trie(a=1, b=2, c=3, d=4, e=5, f=6)
        self.assertEqual(words.complete(""), ["f", "e", "d", "c", "b"])
        self.assertEqual(words.complete("", 2), ["f", "e"])
        self.assertEqual(words.complete("", 99), ["f", "e", "d", "c", "b", "a"])
        self.assertEqual(words.complete("", 0), [])
        self.assertEqual(words.complete("", -1), [])

    def test_weights_are_replaced(self):
        words = trie(a=5, b=3)
        words.add("a", 1)
        self.assertEqual(words.complete(""), ["b", "a"])
        self.assertEqual(len(words), 2)

    def test_weights_of_zero_and_below(self):
        words = trie(a=0, b=-1, c=1)
        self.assertEqual(words.complete(""), ["c", "a", "b"])
        self.assertIn("a", words)

    def test_membership(self):
        words = trie(cart=1)
        self.assertIn("cart", words)
        for word in ("car", "carts", "", "x"):
            self.assertNotIn(word, words)

    def test_empty_word(self):
        words = Trie()
        with self.assertRaises(ValueError):
            words.add("")
        self.assertEqual(len(words), 0)

    def test_remove(self):
        words = trie(car=1, cart=1, care=1)
        self.assertFalse(words.remove("ca"))
        self.assertFalse(words.remove("carts"))
        self.assertFalse(words.remove(""))
        self.assertTrue(words.remove("car"))
        self.assertFalse(words.remove("car"))
        self.assertEqual(words.complete("c"), ["care", "cart"])
        self.assertEqual(len(words), 2)
        self.assertEqual(words.nodes(), 5)

    def test_nodes_are_freed(self):
        words = trie(car=1, cart=1, cargo=1, dog=1)
        words.remove("cargo")
        self.assertEqual(words.nodes(), 7)
        words.remove("car")
        self.assertEqual(words.nodes(), 7)
        words.remove("cart")
        self.assertEqual(words.nodes(), 3)
        words.remove("dog")
        self.assertEqual((words.nodes(), len(words)), (0, 0))

    def test_longest_prefix(self):
        words = trie(a=1, abc=1, b=1)
        for text, wanted in {"abcd": "abc", "abx": "a", "abc": "abc", "x": None, "": None, "ba": "b"}.items():
            self.assertEqual(words.longest_prefix(text), wanted, text)


class LoadTest(unittest.TestCase):
    def test_load(self):
        words = load(["# words", "", "  Élan 3 ", "fox", "hen -2\n", "fox 7", "  # more"])
        self.assertEqual(words.complete(""), ["fox", "Élan", "hen"])

    def test_bad_weights(self):
        for line in ("fox x", "fox 1.5", "fox 1 2"):
            with self.assertRaises(ValueError) as caught:
                load(["", "hen 1", line])
            self.assertIn("3", str(caught.exception))
