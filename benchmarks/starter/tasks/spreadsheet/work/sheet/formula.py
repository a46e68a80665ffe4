"""What a formula means."""


def evaluate(text, get):
    total = 0
    for part in text[1:].split("+"):
        part = part.strip()
        total += get(part) if part[0].isalpha() else int(part)
    return total
