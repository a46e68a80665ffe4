"""The value of a formula."""

import operator

from calc.tokens import tokenize

SUMS = {"+": operator.add, "-": operator.sub}
PRODUCTS = {"*": operator.mul, "/": operator.truediv, "//": operator.floordiv, "%": operator.mod}
FUNCTIONS = {"min": (min, 1, None), "max": (max, 1, None), "abs": (abs, 1, 1), "round": (round, 1, 2)}


class FormulaError(ValueError):
    """A formula that has no value; `position` is the offset of the trouble."""

    def __init__(self, message, position):
        super().__init__("{} at {}".format(message, position))
        self.position = position


def evaluate(text, names=None):
    formula = _Formula(tokenize(text), names or {})
    value = formula.sum()
    formula.expect("end", "")
    return value


class _Formula:
    """Recursive descent, one method a level of precedence."""

    def __init__(self, tokens, names):
        self.tokens = tokens
        self.names = names
        self.at = 0

    def take(self):
        token = self.tokens[self.at]
        self.at += 1
        return token

    def sees(self, *signs):
        kind, text, _ = self.tokens[self.at]
        return kind == "sign" and text in signs

    def expect(self, kind, text):
        if self.tokens[self.at][:2] != (kind, text):
            self.refuse()
        self.at += 1

    def refuse(self):
        _, text, position = self.tokens[self.at]
        raise FormulaError("unexpected {!r}".format(text) if text else "unexpected end", position)

    def sum(self):
        value = self.product()
        while self.sees(*SUMS):
            value = self.apply(SUMS, value, self.product)
        return value

    def product(self):
        value = self.signed()
        while self.sees(*PRODUCTS):
            value = self.apply(PRODUCTS, value, self.signed)
        return value

    def apply(self, operators, left, right):
        _, sign, position = self.take()
        return _compute(operators[sign], left, right(), position)

    def signed(self):
        negative = False
        while self.sees("+", "-"):
            negative ^= self.take()[1] == "-"
        value = self.power()
        return -value if negative else value

    def power(self):
        base = self.atom()
        if not self.sees("**"):
            return base
        position = self.take()[2]
        return _compute(operator.pow, base, self.signed(), position)

    def atom(self):
        kind, text, position = self.tokens[self.at]
        if kind == "number":
            self.take()
            return int(text) if text.isdigit() else float(text)
        if kind == "name":
            self.take()
            return self.call(text, position) if self.sees("(") else self.look_up(text, position)
        if not self.sees("("):
            self.refuse()
        self.take()
        value = self.sum()
        self.expect("sign", ")")
        return value

    def look_up(self, name, position):
        if name not in self.names:
            raise FormulaError("unknown name {!r}".format(name), position)
        return self.names[name]

    def call(self, name, position):
        if name not in FUNCTIONS:
            raise FormulaError("unknown function {!r}".format(name), position)
        function, least, most = FUNCTIONS[name]
        self.expect("sign", "(")
        arguments = [self.sum()]
        while self.sees(","):
            self.take()
            arguments.append(self.sum())
        self.expect("sign", ")")
        if len(arguments) < least or (most and len(arguments) > most):
            raise FormulaError("wrong number of arguments for {}".format(name), position)
        return function(arguments) if most is None else function(*arguments)


def _compute(function, left, right, position):
    try:
        value = function(left, right)
    except ZeroDivisionError:
        raise FormulaError("division by zero", position) from None
    if isinstance(value, complex):
        raise FormulaError("not a real number", position)
    return value
