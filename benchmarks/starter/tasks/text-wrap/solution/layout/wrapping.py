"""Text in lines."""

import re


def wrap(text, width, indent="", hanging=""):
    return _lines(text, width, indent, hanging, lambda words, room: " ".join(words))


def justify(text, width, indent="", hanging=""):
    """As `wrap`, with all but the last lines of paragraphs filled up to `width`."""
    return _lines(text, width, indent, hanging, _widened)


def _lines(text, width, indent, hanging, join):
    rooms = width - len(indent), width - len(hanging)
    if min(rooms) < 1:
        raise ValueError("a width of {} leaves no room for text".format(width))
    lines = []
    for paragraph in re.split(r"\n\s*\n", text.strip()):
        rows = _rows(paragraph.split(), *rooms)
        if lines and rows:
            lines.append("")
        for number, row in enumerate(rows):
            joined = " ".join(row) if number == len(rows) - 1 else join(row, rooms[number > 0])
            lines.append((hanging if number else indent) + joined)
    return lines


def _rows(words, first, other):
    """Lists of words, one a line; long words are cut."""
    rows = [[]]
    for word in words:
        room = other if len(rows) > 1 else first
        if rows[-1] and len(" ".join(rows[-1])) + 1 + len(word) > room:
            rows.append([])
            room = other
        while len(word) > room:
            rows[-1].append(word[:room])
            word = word[room:]
            rows.append([])
            room = other
        rows[-1].append(word)
    return rows if rows[0] else []


def _widened(words, room):
    if len(words) == 1:
        return words[0]
    blanks = room - sum(map(len, words))
    wide, more = divmod(blanks, len(words) - 1)
    gaps = [wide + (at < more) for at in range(len(words) - 1)] + [0]
    return "".join(word + " " * gap for word, gap in zip(words, gaps))
