"""One pattern against one path."""

import functools


def matches(pattern, path):
    return any(_fits(_parts(plain), path.split("/")) for plain in _expand(pattern))


def _expand(pattern):
    """The patterns that braces stand for, as lists of (character, is ordinary); braces inside sets count as braces."""
    return _alternatives(_characters(pattern))


def _characters(pattern):
    found, at = [], 0
    while at < len(pattern):
        escaped = pattern[at] == "\\" and at + 1 < len(pattern) and not _in_set(pattern, at)
        at += escaped
        found.append((pattern[at], escaped or (pattern[at] == "\\")))
        at += 1
    return found


def _in_set(pattern, at):
    """Whether the character at `at` stands in a set that opens before and closes after it."""
    place = 0
    while place < at:
        if pattern[place] == "\\":
            place += 2
        elif pattern[place] == "[":
            end = _set_end(pattern, place)
            if end > at:
                return True
            place = max(end, place) + 1
        else:
            place += 1
    return False


def _set_end(text, start):
    """Where the set that opens at `start` closes; -1 if nowhere in its part of the path."""
    first = start + (2 if text[start + 1 : start + 2] == "!" else 1)
    end = text.find("]", first + 1)
    slash = text.find("/", start)
    return -1 if end < 0 or 0 <= slash < end else end


def _alternatives(characters):
    for start, token in enumerate(characters):
        if token != ("{", False):
            continue
        cuts = _cuts(characters, start)
        if cuts:
            head, tail = characters[:start], characters[cuts[-1] + 1 :]
            middles = [characters[a + 1 : b] for a, b in zip([start] + cuts, cuts)]
            return [found for middle in middles for found in _alternatives(head + middle + tail)]
    return [characters]


def _cuts(characters, start):
    """The positions of the commas and the closing brace that belong to the brace at `start`; [] if it stays open."""
    depth, commas = 0, []
    for at in range(start + 1, len(characters)):
        if characters[at] == ("{", False) and _cuts(characters, at):
            depth += 1
        elif characters[at] == ("}", False):
            if depth == 0:
                return commas + [at]
            depth -= 1
        elif characters[at] == (",", False) and depth == 0:
            commas.append(at)
    return []


def _parts(characters):
    parts = [[]]
    for token in characters:
        if token[0] == "/":
            parts.append([])
        else:
            parts[-1].append(token)
    return [None if part == [("*", False)] * 2 else _tests(part) for part in parts]


def _tests(part):
    """One test for each element of a part: `None` for a star, else a function of one character."""
    tests, at = [], 0
    text = "".join(character for character, _ in part)
    while at < len(part):
        character, ordinary = part[at]
        end = _set_end(text, at) if (character, ordinary) == ("[", False) else -1
        if end > 0:
            tests.append(_set(text[at + 1 : end]))
            at = end
        elif ordinary or character not in "*?":
            tests.append(functools.partial(str.__eq__, character))
        else:
            tests.append(None if character == "*" else lambda _: True)
        at += 1
    return tests


def _set(body):
    negative = body.startswith("!")
    body = body[negative:]
    members, ranges, at = set(), [], 0
    while at < len(body):
        if at + 2 < len(body) and body[at + 1] == "-":
            ranges.append((body[at], body[at + 2]))
            at += 3
        else:
            members.add(body[at])
            at += 1
    return lambda c: (c in members or any(low <= c <= high for low, high in ranges)) != negative


def _fits(parts, words):
    """`None` among the parts stands for any number of words, at the end for one or more."""
    if parts and parts[-1] is None:
        parts = parts + [[None]]
    return _walk(parts, words, _part_fits)


def _part_fits(tests, word):
    return _walk(tests, word, lambda test, character: test(character))


def _walk(items, sequence, fits):
    """Whether `items` matches `sequence`, `None` for any run; all open states are advanced together."""
    states = _skip({0}, items)
    for element in sequence:
        reached = set()
        for state in states:
            if state < len(items):
                if items[state] is None:
                    reached.add(state)
                elif fits(items[state], element):
                    reached.add(state + 1)
        states = _skip(reached, items)
    return len(items) in states


def _skip(states, items):
    found = set()
    for state in states:
        found.add(state)
        while state < len(items) and items[state] is None:
            state += 1
            found.add(state)
    return found
