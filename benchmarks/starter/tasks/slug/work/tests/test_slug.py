import unittest

from pagekit import slugify, unique_slugs


class SlugTest(unittest.TestCase):
    def test_words_are_joined_by_hyphens(self):
        self.assertEqual(slugify("Hello World"), "hello-world")

    def test_accents_are_taken_off(self):
        self.assertEqual(slugify("Crème Brûlée"), "creme-brulee")

    def test_runs_of_separators_are_one_hyphen(self):
        self.assertEqual(slugify("  Hello --- world!  "), "hello-world")

    def test_repeats_are_numbered(self):
        self.assertEqual(unique_slugs(["One", "Two", "one"]), ["one", "two", "one-2"])


if __name__ == "__main__":
    unittest.main()
