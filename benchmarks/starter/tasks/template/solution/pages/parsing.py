"""A template as a tree: lists of (kind, ...) tuples."""

import re

from pages.errors import TemplateError
from pages.expressions import NAME, Expression

OPEN = re.compile(r"\{\{|\{%|\{#")
CLOSE = {"{{": "}}", "{%": "%}", "{#": "#}"}
FOR = re.compile(r"for\s+({0})(?:\s*,\s*({0}))?\s+in\s+(.+)".format(NAME), re.DOTALL)


def parse(text):
    return _Parser(list(_tokens(text))).parse()


def _tokens(text):
    """(kind, content, line): text, {{ or {%."""
    at = 0
    while True:
        found = OPEN.search(text, at)
        if not found:
            yield "text", text[at:], 0
            return
        kind, line = found.group(), text.count("\n", 0, found.start()) + 1
        end = text.find(CLOSE[kind], found.end())
        if end < 0:
            raise TemplateError("{} is never closed".format(kind), line)
        start, after = found.start(), end + 2
        if kind != "{{":
            start, after = _whole_line(text, at, start, after)
        yield "text", text[at:start], 0
        if kind != "{#":
            yield kind, text[found.end() : end], line
        at = after


def _whole_line(text, at, start, after):
    before = len(text[:start].rstrip(" \t"))
    ending = re.compile(r"[ \t]*(?:\r?\n|$(?![\s\S]))").match(text, after)
    alone = before >= at and (before == 0 or text[before - 1] == "\n")
    return (before, ending.end()) if alone and ending else (start, after)


class _Parser:
    def __init__(self, tokens):
        self.tokens = tokens[::-1]

    def parse(self):
        body, tag, line = self.body()
        if tag is not None:
            raise TemplateError("unexpected {}".format(tag), line)
        return body

    def body(self):
        """The nodes up to a tag that ends or divides a block, and that tag."""
        nodes = []
        while self.tokens:
            kind, content, line = self.tokens.pop()
            if kind == "text":
                nodes.append(("text", content))
            elif kind == "{{":
                raw = content.startswith("!")
                nodes.append(("print", Expression(content[raw:], line), raw))
            else:
                tag = content.strip()
                word = tag.split(None, 1)[0] if tag else ""
                if word == "if":
                    nodes.append(self.condition(tag, line))
                elif word == "for":
                    nodes.append(self.loop(tag, line))
                elif tag in ("else", "end") or word == "elif":
                    return nodes, tag, line
                else:
                    raise TemplateError("unknown tag {!r}".format(tag), line)
        return nodes, None, 0

    def condition(self, tag, start):
        branches, line = [], start
        while tag.split(None, 1)[0] in ("if", "elif"):
            test = tag.split(None, 1)[1] if " " in tag else ""
            negated = re.match(r"not\s+", test)
            expression = Expression(test[negated.end() :] if negated else test, line)
            body, tag, line = self.required_body(start)
            branches.append((expression, bool(negated), body))
        return "if", branches, self.rest(tag, start)

    def loop(self, tag, start):
        found = FOR.fullmatch(tag)
        if not found:
            raise TemplateError("not a loop: {!r}".format(tag), start)
        names = [name for name in found.groups()[:2] if name]
        source = Expression(found[3], start)
        body, tag, line = self.required_body(start)
        if tag.startswith("elif"):
            raise TemplateError("elif in a loop", line)
        return "for", names, source, body, self.rest(tag, start)

    def rest(self, tag, start):
        if tag == "end":
            return []
        body, tag, line = self.required_body(start)
        if tag != "end":
            raise TemplateError("{} after else".format(tag), line)
        return body

    def required_body(self, start):
        body, tag, line = self.body()
        if tag is None:
            raise TemplateError("there is no end", start)
        return body, tag, line
