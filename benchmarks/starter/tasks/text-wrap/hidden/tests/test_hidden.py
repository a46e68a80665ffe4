import unittest

from layout import justify, wrap
from layout.columns import side_by_side


class WrapTest(unittest.TestCase):
    def test_words(self):
        for text, width, wanted in [
            ("the quick brown fox", 10, ["the quick", "brown fox"]),
            ("aa bb", 5, ["aa bb"]),
            ("aa bb", 4, ["aa", "bb"]),
            ("a b c", 1, ["a", "b", "c"]),
            ("", 5, []),
            (" \n\t ", 5, []),
            ("  a \t b  ", 9, ["a b"]),
        ]:
            self.assertEqual(wrap(text, width), wanted, text)

    def test_paragraphs(self):
        self.assertEqual(wrap("\n\na\nb\n \n\t\nc\n\nd\n\n", 9), ["a b", "", "c", "", "d"])

    def test_long_words(self):
        self.assertEqual(wrap("abcdefghij", 4), ["abcd", "efgh", "ij"])
        self.assertEqual(wrap("x abcdefghij k lm", 4), ["x", "abcd", "efgh", "ij k", "lm"])
        self.assertEqual(wrap("abcdefgh i", 4), ["abcd", "efgh", "i"])
        self.assertEqual(wrap("abcd abcd", 4), ["abcd", "abcd"])

    def test_indents(self):
        self.assertEqual(wrap("one two three\n\nfour five", 9, indent="* ", hanging="  "), ["* one two", "  three", "", "* four", "  five"])
        self.assertEqual(wrap("one two three", 7, hanging="--"), ["one two", "--three"])
        self.assertEqual(wrap("abcdefghij", 5, indent="> ", hanging="."), ["> abc", ".defg", ".hij"])

    def test_long_word_after_a_wider_first_line(self):
        self.assertEqual(wrap("abcde f", 5, hanging="   "), ["abcde", "   f"])
        self.assertEqual(wrap("abcde fgh", 5, indent="  "), ["  abc", "de", "fgh"])

    def test_blank_lines_have_no_indent(self):
        self.assertEqual(wrap("a\n\nb", 5, indent="  ")[1], "")

    def test_no_room(self):
        for width, settings in [(0, {}), (-3, {}), (2, {"indent": "> "}), (2, {"hanging": "   "})]:
            with self.assertRaises(ValueError):
                wrap("a", width, **settings)
            with self.assertRaises(ValueError):
                justify("a", width, **settings)


class JustifyTest(unittest.TestCase):
    def test_gaps(self):
        self.assertEqual(justify("a b c d eeeeeeeee", 10), ["a  b  c  d", "eeeeeeeee"])
        self.assertEqual(justify("aa b c d eeeeeeeeee f", 10), ["aa  b  c d", "eeeeeeeeee", "f"])
        self.assertEqual(justify("aa bb cccccccccc", 10), ["aa      bb", "cccccccccc"])

    def test_last_lines(self):
        self.assertEqual(justify("a b\n\nc d", 10), ["a b", "", "c d"])

    def test_single_words(self):
        self.assertEqual(justify("aaa bbbbbbb ccc", 7), ["aaa", "bbbbbbb", "ccc"])

    def test_indents(self):
        self.assertEqual(justify("a b cccc d e ffff", 8, indent="- ", hanging="  "), ["- a    b", "  cccc d", "  e ffff"])

    def test_pieces_of_words(self):
        self.assertEqual(justify("abcdefgh i j kkkkk", 6), ["abcdef", "gh i j", "kkkkk"])


class ColumnsTest(unittest.TestCase):
    def test_fill(self):
        self.assertEqual(side_by_side("one two", "three", 5), ["one    three", "two"])
        self.assertEqual(side_by_side("a", "bb cc dd", 2, gap=1), ["a  bb", "   cc", "   dd"])
        self.assertEqual(side_by_side("a\n\nb", "", 3), ["a", "", "b"])
        self.assertEqual(side_by_side("", "", 3), [])
