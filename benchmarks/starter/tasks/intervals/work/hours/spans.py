"""Half-open spans of minutes."""


def merge(spans):
    merged = []
    for start, end in spans:
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], end)
        else:
            merged.append((start, end))
    return merged


def total(spans):
    return sum(end - start for start, end in spans)
