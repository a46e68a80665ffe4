"""The value of a formula."""

from calc.tokens import tokenize


class FormulaError(ValueError):
    def __init__(self, message, position):
        super().__init__("{} at {}".format(message, position))
        self.position = position


def evaluate(text, names=None):
    tokens = tokenize(text)
    value = int(tokens[0][0])
    for (operator, _), (operand, _) in zip(tokens[1::2], tokens[2::2]):
        if operator == "+":
            value += int(operand)
        elif operator == "-":
            value -= int(operand)
        elif operator == "*":
            value *= int(operand)
        elif operator == "/":
            value /= int(operand)
    return value
