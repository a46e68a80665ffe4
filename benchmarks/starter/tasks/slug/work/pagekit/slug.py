"""The part of an address that names a page."""


def slugify(title, limit=60):
    kept = []
    for letter in title.strip().lower():
        if letter.isascii() and letter.isalnum():
            kept.append(letter)
        elif letter.isascii():
            kept.append("-")
    return "".join(kept)[:limit]
