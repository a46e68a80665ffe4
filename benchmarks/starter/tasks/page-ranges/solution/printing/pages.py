"""Page ranges as people type them."""

import re

PART = re.compile(r"([0-9]+)|([0-9]*)\s*-\s*([0-9]*)")


class PageError(ValueError):
    """What was typed names no pages of the document."""


def parse(text, count):
    pages = []
    for part in (part.strip() for part in text.split(",")):
        if part:
            pages.extend(_range(part, count))
    if not pages:
        raise PageError("no pages in {!r}".format(text))
    return pages


def _range(part, count):
    found = PART.fullmatch(part)
    if not found:
        raise PageError("not a page or a range of pages: " + part)
    first = int(found[1] or found[2] or 1)
    last = int(found[1] or found[3] or count)
    if not (1 <= first <= count and 1 <= last <= count):
        raise PageError("there are pages 1 to {}, not {}".format(count, part))
    step = 1 if first <= last else -1
    return range(first, last + step, step)


def describe(pages):
    parts = []
    start = 0
    while start < len(pages):
        end = start
        step = pages[start + 1] - pages[start] if start + 1 < len(pages) else 0
        while abs(step) == 1 and end + 1 < len(pages) and pages[end + 1] - pages[end] == step:
            end += 1
        if end - start >= 2:
            parts.append("{}-{}".format(pages[start], pages[end]))
        else:
            end = start
            parts.append(str(pages[start]))
        start = end + 1
    return ",".join(parts)
