"""What goes to the printer."""

from printing.pages import parse


def sheets(text, count, copies=1, duplex=False):
    """How many sheets of paper a job takes; each copy starts on a new sheet."""
    pages = len(parse(text, count))
    return copies * ((pages + 1) // 2 if duplex else pages)
