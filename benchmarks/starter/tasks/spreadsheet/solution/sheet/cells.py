"""Cells and their values."""

from sheet.formula import Error, Formula
from sheet.names import order, valid


class Sheet:
    def __init__(self):
        self._formulas = {}
        self._values = {}
        self._users = {}

    def get(self, name):
        if not valid(name):
            raise ValueError("not a cell: {!r}".format(name))
        return self._values.get(name)

    def set(self, name, content):
        """The names of the cells whose values have changed."""
        self.get(name)
        for used in self._uses(name):
            self._users[used].discard(name)
        self._formulas.pop(name, None)
        before = {affected: self._values.get(affected) for affected in self._affected(name)}
        if isinstance(content, str) and content.startswith("="):
            self._formulas[name] = formula = Formula(content)
            for used in formula.uses:
                self._users.setdefault(used, set()).add(name)
        else:
            self._values[name] = content
        self._compute(before)
        return sorted((cell for cell, old in before.items() if not _same(old, self._values.get(cell))), key=order)

    def _uses(self, name):
        return self._formulas[name].uses if name in self._formulas else ()

    def _affected(self, name):
        found, waiting = {name}, [name]
        while waiting:
            for user in self._users.get(waiting.pop(), ()):
                if user not in found:
                    found.add(user)
                    waiting.append(user)
        return found

    def _compute(self, cells):
        """Each cell after all it uses; what is left over depends on a cycle."""
        open_uses = {cell: sum(used in cells for used in self._uses(cell)) for cell in cells}
        ready = [cell for cell, count in open_uses.items() if count == 0]
        while ready:
            cell = ready.pop()
            del open_uses[cell]
            if cell in self._formulas:
                self._values[cell] = self._formulas[cell].value(self._values.get)
            for user in self._users.get(cell, ()):
                if user in open_uses:
                    open_uses[user] -= 1
                    if open_uses[user] == 0:
                        ready.append(user)
        for cell in open_uses:
            self._values[cell] = Error("cycle")


def _same(old, new):
    return old == new and type(old) is type(new)
