"""A text that can be changed and restored."""

from editor.changes import Delete, Insert


class Document:
    def __init__(self, text=""):
        self.text = text
        self._done = []

    def insert(self, at, text):
        self._apply(Insert(at, text))

    def delete(self, at, count):
        self._apply(Delete(at, self.text[at : at + count]))

    def undo(self):
        if not self._done:
            return False
        self.text = self._done.pop().inverse().apply(self.text)
        return True

    def _apply(self, change):
        self.text = change.apply(self.text)
        self._done.append(change)
