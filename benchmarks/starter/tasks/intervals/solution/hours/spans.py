"""Half-open spans of minutes."""


def merge(spans):
    """Sorted spans that neither overlap nor touch."""
    merged = []
    for start, end in sorted(tuple(span) for span in spans):
        if start > end:
            raise ValueError("the span {}-{} runs backwards".format(start, end))
        if start == end:
            continue
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def subtract(spans, breaks):
    """What remains of `spans` without `breaks`, merged."""
    left = []
    taken = merge(breaks)
    for start, end in merge(spans):
        for off, on in taken:
            if on <= start or off >= end:
                continue
            if off > start:
                left.append((start, off))
            start = max(start, on)
        if start < end:
            left.append((start, end))
    return left


def gaps(spans, start, end):
    """The free spans between `start` and `end`."""
    return subtract([(start, end)], spans)


def total(spans):
    return sum(end - start for start, end in merge(spans))
