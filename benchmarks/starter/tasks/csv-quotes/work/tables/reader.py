"""Text to rows."""


def read(text):
    return [line.split(",") for line in text.splitlines()]
