import random
import unittest

from editor import Document


def history(document):
    """The texts on the way back to the start."""
    texts = [document.text]
    while document.undo():
        texts.append(document.text)
    return texts


def typed(text, document=None):
    document = document or Document()
    for letter in text:
        document.insert(len(document.text), letter)
    return document


class RedoTest(unittest.TestCase):
    def test_there_and_back(self):
        document = Document("a")
        document.insert(0, "1")
        document.checkpoint()
        document.insert(0, "2")
        self.assertEqual([document.undo(), document.undo(), document.undo()], [True, True, False])
        self.assertEqual([document.redo(), document.redo(), document.redo()], [True, True, False])
        self.assertEqual(document.text, "21a")

    def test_a_change_forgets(self):
        document = Document()
        document.insert(0, "a")
        document.undo()
        document.insert(0, "b")
        self.assertFalse(document.redo())
        self.assertEqual(document.text, "b")

    def test_no_change_does_not_forget(self):
        document = Document()
        document.insert(0, "a")
        document.undo()
        document.insert(0, "")
        document.delete(0, 0)
        with self.assertRaises(IndexError):
            document.insert(5, "x")
        self.assertTrue(document.redo())


class StepTest(unittest.TestCase):
    def test_typing(self):
        self.assertEqual(history(typed("word")), ["word", ""])

    def test_line_break_is_a_step(self):
        self.assertEqual(history(typed("ab\ncd")), ["ab\ncd", "ab\n", "ab", ""])
        self.assertEqual(history(typed("\n\n")), ["\n\n", "\n", ""])

    def test_typing_elsewhere(self):
        document = typed("ab")
        document.insert(0, "x")
        document.insert(1, "y")
        self.assertEqual(history(document), ["xyab", "ab", ""])

    def test_insert_inside_what_was_typed(self):
        document = typed("ab")
        document.insert(1, "x")
        self.assertEqual(history(document), ["axb", "ab", ""])

    def test_backspace_and_delete_key(self):
        document = Document("abcdef")
        document.delete(5, 1)
        document.delete(4, 1)
        document.delete(2, 2)
        self.assertEqual(history(document), ["ab", "abcdef"])
        document = Document("abcdef")
        document.delete(1, 1)
        document.delete(1, 2)
        self.assertEqual(history(document), ["aef", "abcdef"])

    def test_mixed_directions(self):
        document = Document("abcdef")
        document.delete(3, 1)
        document.delete(2, 1)
        document.delete(2, 1)
        self.assertEqual(history(document), ["abf", "abcdef"])

    def test_deleting_elsewhere(self):
        document = Document("abcdef")
        document.delete(0, 1)
        document.delete(3, 1)
        self.assertEqual(history(document), ["bcdf", "bcdef", "abcdef"])

    def test_insert_and_delete_are_apart(self):
        document = typed("ab")
        document.delete(1, 1)
        document.insert(1, "c")
        self.assertEqual(history(document), ["ac", "a", "ab", ""])

    def test_checkpoint_undo_and_redo_end_a_step(self):
        document = typed("a")
        document.checkpoint()
        typed("b", document)
        document.undo()
        document.redo()
        typed("c", document)
        self.assertEqual(history(document), ["abc", "ab", "a", ""])

    def test_redo_brings_the_whole_step(self):
        document = typed("word")
        document.undo()
        document.redo()
        self.assertEqual(document.text, "word")

    def test_typing_after_undo_is_new(self):
        document = typed("a\nb")
        document.undo()
        typed("c", document)
        self.assertEqual(history(document), ["a\nc", "a\n", "a", ""])


class GroupTest(unittest.TestCase):
    def test_one_step(self):
        document = typed("ab")
        with document.group():
            typed("c\n", document)
            document.delete(0, 1)
            with document.group():
                document.insert(0, "z")
            document.insert(1, "y")
        typed("e", document)
        self.assertEqual(history(document), ["zybc\ne", "zybc\n", "ab", ""])
        while document.redo():
            pass
        self.assertEqual(document.text, "zybc\ne")

    def test_empty_group(self):
        document = typed("a")
        with document.group():
            pass
        self.assertEqual(history(document), ["a", ""])

    def test_rolled_back(self):
        document = typed("ab")
        with self.assertRaises(KeyError):
            with document.group():
                document.delete(0, 1)
                with document.group():
                    document.insert(0, "long text")
                raise KeyError
        self.assertEqual(document.text, "ab")
        self.assertFalse(document.redo())
        self.assertEqual(history(document), ["ab", ""])

    def test_inner_failure_that_is_caught(self):
        document = Document("ab")
        with document.group():
            document.insert(0, "x")
            try:
                with document.group():
                    document.insert(0, "y")
                    raise KeyError
            except KeyError:
                pass
        self.assertEqual(history(document), ["xab", "ab"])

    def test_no_undo_inside(self):
        document = typed("a")
        with document.group():
            for method in (document.undo, document.redo):
                with self.assertRaises(RuntimeError):
                    method()
        self.assertEqual(document.text, "a")
        self.assertTrue(document.undo())

    def test_a_group_forgets_redo(self):
        document = typed("a")
        document.undo()
        with document.group():
            document.insert(0, "b")
        self.assertFalse(document.redo())


class BoundsTest(unittest.TestCase):
    def test_outside(self):
        document = Document("abc")
        for method, arguments in [
            (document.insert, (4, "x")), (document.insert, (-1, "x")), (document.delete, (2, 2)), (document.delete, (-1, 1)), (document.delete, (1, -1)),
            (document.delete, (4, 0)),
        ]:
            with self.assertRaises(IndexError, msg=arguments):
                method(*arguments)
        self.assertEqual(document.text, "abc")
        self.assertFalse(document.undo())

    def test_limit(self):
        document = Document(limit=3)
        for n in range(10):
            document.insert(0, str(n))
            document.checkpoint()
        self.assertEqual(history(document), ["9876543210", "876543210", "76543210", "6543210"])

    def test_default_limit(self):
        document = Document()
        for n in range(150):
            document.insert(0, "\n")
        self.assertEqual(len(history(document)), 101)

    def test_random(self):
        rng = random.Random(5)
        document = Document("start", limit=1000)
        for _ in range(300):
            if rng.random() < 0.6:
                document.insert(rng.randrange(len(document.text) + 1), rng.choice(["a", "b\n", "cde"]))
            elif document.text:
                at = rng.randrange(len(document.text))
                document.delete(at, rng.randrange(len(document.text) - at + 1))
        end = document.text
        self.assertEqual(history(document)[-1], "start")
        while document.redo():
            pass
        self.assertEqual(document.text, end)
