"""Page ranges as people type them."""


class PageError(ValueError):
    pass


def parse(text, count):
    pages = []
    for part in text.split(","):
        first, _, last = part.partition("-")
        pages.extend(range(int(first), int(last or first) + 1))
    return sorted(set(pages))


def describe(pages):
    return ",".join(str(page) for page in pages)
