import unittest

from editor import Document


class DocumentTest(unittest.TestCase):
    def test_undo(self):
        document = Document("abc")
        document.delete(1, 1)
        self.assertEqual(document.text, "ac")
        self.assertTrue(document.undo())
        self.assertEqual(document.text, "abc")
        self.assertFalse(document.undo())

    def test_redo(self):
        document = Document()
        document.insert(0, "x")
        document.undo()
        self.assertTrue(document.redo())
        self.assertEqual(document.text, "x")

    def test_typing_is_one_step(self):
        document = Document()
        for at, letter in enumerate("word"):
            document.insert(at, letter)
        document.undo()
        self.assertEqual(document.text, "")

    def test_group(self):
        document = Document("ab")
        with document.group():
            document.delete(0, 1)
            document.insert(1, "z")
        document.undo()
        self.assertEqual(document.text, "ab")
