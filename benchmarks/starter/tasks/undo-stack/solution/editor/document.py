"""A text that can be changed and restored."""

import contextlib

from editor.changes import Delete, Insert, joins


class Document:
    def __init__(self, text="", limit=100):
        self.text = text
        self.limit = limit
        self._done = []
        self._undone = []
        self._open = False
        self._groups = []

    def insert(self, at, text):
        if not 0 <= at <= len(self.text):
            raise IndexError(at)
        self._apply(Insert(at, text))

    def delete(self, at, count):
        if count < 0 or not 0 <= at <= at + count <= len(self.text):
            raise IndexError(at)
        self._apply(Delete(at, self.text[at : at + count]))

    def checkpoint(self):
        self._open = False

    def undo(self):
        return self._move(self._done, self._undone, self._revert)

    def redo(self):
        return self._move(self._undone, self._done, self._repeat)

    @contextlib.contextmanager
    def group(self):
        """All changes inside are one step; if the block raises they are rolled back."""
        mine = []
        self._groups.append(mine)
        try:
            yield self
        except BaseException:
            self._revert(mine)
            self._groups.pop()
            raise
        self._groups.pop()
        if mine and self._groups:
            self._groups[-1].extend(mine)
        elif mine:
            self._push(mine)
            self._open = False

    def _apply(self, change):
        if not change.text:
            return
        self.text = change.apply(self.text)
        self._undone.clear()
        if self._groups:
            self._groups[-1].append(change)
        elif self._open and self._done and joins(self._done[-1][-1], change):
            self._done[-1].append(change)
        else:
            self._push([change])
            self._open = True

    def _push(self, step):
        self._done.append(step)
        del self._done[: -self.limit]

    def _move(self, source, target, carry_out):
        if self._groups:
            raise RuntimeError("inside a group")
        self._open = False
        if not source:
            return False
        step = source.pop()
        carry_out(step)
        target.append(step)
        return True

    def _revert(self, step):
        for change in reversed(step):
            self.text = change.inverse().apply(self.text)

    def _repeat(self, step):
        for change in step:
            self.text = change.apply(self.text)
