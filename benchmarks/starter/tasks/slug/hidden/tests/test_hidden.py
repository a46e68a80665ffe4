import unittest

from pagekit import slugify, unique_slugs


class SlugTest(unittest.TestCase):
    def test_plain_titles(self):
        self.assertEqual(slugify("Hello World"), "hello-world")
        self.assertEqual(slugify("Chapter 12: The End"), "chapter-12-the-end")

    def test_accents(self):
        self.assertEqual(slugify("Crème Brûlée"), "creme-brulee")
        self.assertEqual(slugify("ÅNGSTRÖM"), "angstrom")
        self.assertEqual(slugify("ﬁne"), "fine")

    def test_letters_without_an_ascii_form_separate(self):
        self.assertEqual(slugify("one日two"), "one-two")
        self.assertEqual(slugify("日本 tour"), "tour")

    def test_separators_collapse(self):
        self.assertEqual(slugify("  Hello --- world!  "), "hello-world")
        self.assertEqual(slugify("a_b.c/d"), "a-b-c-d")
        self.assertEqual(slugify("tab\tand\nnewline"), "tab-and-newline")

    def test_apostrophes_vanish(self):
        self.assertEqual(slugify("Don't panic"), "dont-panic")
        self.assertEqual(slugify("It’s five o'clock"), "its-five-oclock")

    def test_limit_keeps_whole_words(self):
        self.assertEqual(slugify("one two three", limit=7), "one-two")
        self.assertEqual(slugify("one two three", limit=8), "one-two")
        self.assertEqual(slugify("one two three", limit=12), "one-two")
        self.assertEqual(slugify("one two three", limit=13), "one-two-three")

    def test_a_long_first_word_is_cut(self):
        self.assertEqual(slugify("extraordinary day", limit=5), "extra")

    def test_default_limit(self):
        slug = slugify("word " * 30)
        self.assertEqual(slug, "-".join(["word"] * 12))

    def test_nothing_left(self):
        self.assertEqual(slugify(""), "untitled")
        self.assertEqual(slugify("!!! --- ???"), "untitled")
        self.assertEqual(slugify("日本", limit=3), "untitled")


class UniqueTest(unittest.TestCase):
    def test_repeats(self):
        self.assertEqual(unique_slugs(["One", "Two", "one", "ONE!"]), ["one", "two", "one-2", "one-3"])

    def test_titles_that_look_numbered(self):
        self.assertEqual(unique_slugs(["a", "a", "a-2"]), ["a", "a-2", "a-2-2"])
        self.assertEqual(unique_slugs(["a-2", "a", "a"]), ["a-2", "a", "a-3"])

    def test_never_twice(self):
        slugs = unique_slugs(["x", "x-2", "x", "x", "x-2", "x-3", ""] * 3)
        self.assertEqual(len(slugs), len(set(slugs)))

    def test_empty(self):
        self.assertEqual(unique_slugs([]), [])
