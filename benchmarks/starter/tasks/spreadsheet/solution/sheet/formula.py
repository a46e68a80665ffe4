"""What a formula means."""

import re

from sheet.names import valid, within

TOKEN = re.compile(r"\s*(?:([0-9]+(?:\.[0-9]+)?)|([A-Z]+[0-9]*)|([-+*/():]))")


class Error:
    """The value of a cell that has none; `kind` is cycle, name, zero or type."""

    def __init__(self, kind):
        self.kind = kind

    def __eq__(self, other):
        return isinstance(other, Error) and self.kind == other.kind

    def __hash__(self):
        return hash(("Error", self.kind))

    def __repr__(self):
        return "Error({!r})".format(self.kind)


class Formula:
    """A formula as a tree of tuples, with the names of all cells it `uses`."""

    def __init__(self, text):
        self.uses = set()
        try:
            self._tokens = _tokens(text)
            self._tree = self._sum()
            self._expect("")
        except _Unreadable:
            self.uses = set()
            self._tree = ("value", Error("name"))

    def value(self, get):
        value = _value(self._tree, get)
        return 0 if value is None else value

    def _next(self, *signs):
        if self._tokens[-1] in signs:
            return self._tokens.pop()
        return None

    def _expect(self, sign):
        if self._next(sign) is None:
            raise _Unreadable

    def _sum(self):
        left = self._product()
        while True:
            sign = self._next("+", "-")
            if not sign:
                return left
            left = (sign, left, self._product())

    def _product(self):
        left = self._signed()
        while True:
            sign = self._next("*", "/")
            if not sign:
                return left
            left = (sign, left, self._signed())

    def _signed(self):
        if self._next("-"):
            return ("-", ("value", 0), self._signed())
        return self._atom()

    def _atom(self):
        if self._next("("):
            inner = self._sum()
            self._expect(")")
            return inner
        word = self._tokens.pop() if self._tokens[-1] else ""
        if word in FUNCTIONS:
            return self._call(word)
        if word[:1].isdigit():
            return ("value", float(word) if "." in word else int(word))
        return ("cell", self._name(word))

    def _call(self, word):
        self._expect("(")
        first = last = self._name(self._tokens.pop())
        if self._next(":"):
            last = self._name(self._tokens.pop())
        self._expect(")")
        names = within(first, last)
        self.uses.update(names)
        return ("call", word, names)

    def _name(self, word):
        if not valid(word):
            raise _Unreadable
        self.uses.add(word)
        return word


class _Unreadable(Exception):
    pass


FUNCTIONS = {
    "SUM": sum,
    "COUNT": len,
    "MIN": lambda numbers: min(numbers, default=0),
    "MAX": lambda numbers: max(numbers, default=0),
}


def _tokens(text):
    """In reverse, the end first."""
    tokens, at, text = [], 0, text[1:].rstrip()
    while at < len(text):
        found = TOKEN.match(text, at)
        if not found:
            raise _Unreadable
        tokens.append(found.group().strip())
        at = found.end()
    return [""] + tokens[::-1]


def _value(tree, get):
    kind = tree[0]
    if kind == "value":
        return tree[1]
    if kind == "cell":
        return get(tree[1])
    if kind == "call":
        values = [get(name) for name in tree[2]]
        for value in values:
            if isinstance(value, Error):
                return value
        return FUNCTIONS[tree[1]]([value for value in values if isinstance(value, (int, float))])
    return _operate(kind, _value(tree[1], get), _value(tree[2], get))


def _operate(sign, left, right):
    for value in (left, right):
        if isinstance(value, Error):
            return value
    if isinstance(left, str) or isinstance(right, str):
        return Error("type")
    left, right = left or 0, right or 0
    if sign == "+":
        return left + right
    if sign == "-":
        return left - right
    if sign == "*":
        return left * right
    return left / right if right else Error("zero")
