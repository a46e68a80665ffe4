"""Rows to text."""


def write(rows):
    return "".join(",".join(_field(field) for field in row) + "\n" for row in rows)


def _field(field):
    if field is None:
        return ""
    text = str(field)
    if text and text == text.strip(" ") and not any(mark in text for mark in ',"\r\n'):
        return text
    return '"' + text.replace('"', '""') + '"'
