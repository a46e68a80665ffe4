"""Rows to text."""


def write(rows):
    return "\n".join(",".join(str(field) for field in row) for row in rows)
