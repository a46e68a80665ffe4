"""Cells and their values."""

from sheet.formula import evaluate


class Sheet:
    def __init__(self):
        self._values = {}

    def set(self, name, content):
        if isinstance(content, str) and content.startswith("="):
            content = evaluate(content, self.get)
        self._values[name] = content

    def get(self, name):
        return self._values.get(name)
