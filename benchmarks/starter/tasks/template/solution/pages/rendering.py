"""Templates filled with values."""

import collections.abc

from pages.errors import Missing, TemplateError
from pages.escaping import escape
from pages.parsing import parse


def render(text, values):
    return "".join(_render(parse(text), values))


def _render(nodes, values):
    for node in nodes:
        if node[0] == "text":
            yield node[1]
        elif node[0] == "print":
            value = node[1].value(values)
            printed = "" if value is None else str(value)
            yield printed if node[2] else escape(printed)
        elif node[0] == "if":
            yield from _condition(values, *node[1:])
        else:
            yield from _loop(values, *node[1:])


def _condition(values, branches, otherwise):
    for expression, negated, body in branches:
        try:
            truth = bool(expression.find(values))
        except Missing:
            truth = False
        if truth != negated:
            yield from _render(body, values)
            return
    yield from _render(otherwise, values)


def _loop(values, names, source, body, otherwise):
    items = source.value(values)
    try:
        if len(names) == 2:
            pairs = items.items() if isinstance(items, collections.abc.Mapping) else items
            items = [tuple(pair) for pair in pairs]
        else:
            items = [(item,) for item in items]
    except TypeError as error:
        raise TemplateError(str(error), source.line) from None
    if any(len(item) != len(names) for item in items):
        raise TemplateError("not pairs", source.line)
    for index, item in enumerate(items, 1):
        loop = {"index": index, "first": index == 1, "last": index == len(items)}
        yield from _render(body, {**values, **dict(zip(names, item)), "loop": loop})
    if not items:
        yield from _render(otherwise, values)
