"""Mistakes that look like a model's: a correct change with something in it gone wrong.

Invariant: the outcome depends on the arguments alone, differs from the correct change, and is never just the old state.
"""

import ast
import re
from difflib import SequenceMatcher
from random import Random

from dgm.syntax import parsed

FLIPS = (
    (" <= ", " < "), (" >= ", " > "), (" < ", " <= "), (" > ", " >= "), (" == ", " != "), (" != ", " == "),
    (" + ", " - "), (" - ", " + "), (" and ", " or "), (" or ", " and "), (" not in ", " in "), (" is not ", " is "),
    ("True", "False"), ("False", "True"), (" += ", " -= "), (" * ", " + "), (" // ", " % "), ("[0]", "[-1]"),
    ("[-1]", "[0]"), ("min(", "max("), ("max(", "min("), ("if not ", "if "), (" in ", " not in "), (" 1", " 2"),
    (" 0", " 1"), ("&&", "||"), ("yield", "return"),
)  # fmt: skip
TRIES = 40


def corrupted(before: dict[str, str], after: dict[str, str], key: str) -> dict[str, str]:
    """`after` with a mistake or two among the lines in which it differs from `before`."""
    rng = Random(key)
    wrong = dict(after)
    paths = sorted(after)
    for path in rng.sample(paths, k=1 if len(paths) == 1 else rng.randint(1, len(paths))):
        wrong[path] = spoiled(before.get(path, ""), after[path], path, rng)
    if all(wrong[path] == before.get(path) for path in paths):
        wrong[paths[0]] = wrong[paths[0]] + ("# changed\n" if paths[0].endswith(".py") else "\n")
    return wrong


def spoiled(before: str, after: str, path: str, rng: Random) -> str:
    """`after` with one or two mistakes; `before` if nothing else comes out as a program."""
    for _ in range(TRIES):
        text = after
        for _ in range(rng.choice((1, 2, 3))):
            text = rng.choice((reverted, flipped, flipped, dropped))(before, text, rng)
        if text != after and meaningful(text, after, path):
            return text
    return before


def meaningful(text: str, after: str, path: str) -> bool:
    """Whether `text` is another program than `after`, as far as that can be told."""
    if not path.endswith(".py"):
        return True
    try:
        return bare(text) != bare(after)
    except (SyntaxError, ValueError, RecursionError):
        return False


def bare(text: str) -> str:
    """A Python program without comments and docstrings."""
    tree = parsed(text)
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            node.value = ast.Constant(None)
    return ast.dump(tree)


def looping(text: str) -> set[int]:
    """The numbers, from 0, of the lines of `while` loops: a mistake there would run for ever."""
    try:
        nodes = list(ast.walk(parsed(text)))
    except (SyntaxError, ValueError, RecursionError):
        return set()
    loops = [(node.lineno, node.end_lineno or node.lineno) for node in nodes if isinstance(node, ast.While)]
    return {number - 1 for start, end in loops for number in range(start, end + 1)}


def compared(before: str, after: str) -> tuple[list[str], list[str], list[tuple[int, int, int, int]]]:
    """Both as lines, and where they differ."""
    old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    codes = SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
    return old, new, [(i, j, k, n) for tag, i, j, k, n in codes if tag != "equal"]


def changes(before: str, after: str) -> list[tuple[list[str], int, int]]:
    """The hunks in which `after` differs, loops left out: the old lines, and from where to where the new ones stand."""
    old, _, codes = compared(before, after)
    risky = looping(after)
    return [(old[i:j], k, n) for i, j, k, n in codes if not risky & set(range(k, n))]


def reverted(before: str, after: str, rng: Random) -> str:
    """One hunk is as it was."""
    hunks = changes(before, after)
    if not hunks:
        return after
    old, start, end = rng.choice(hunks)
    lines = after.splitlines(keepends=True)
    return "".join(lines[:start] + old + lines[end:])


def changed_lines(before: str, after: str) -> list[int]:
    """The numbers of the lines in which `after` differs, loops and blank lines left out."""
    _, new, codes = compared(before, after)
    risky = looping(after)
    numbers = [number for _, _, k, n in codes for number in range(k, n)]
    return [number for number in numbers if number not in risky and new[number].strip()]


def flipped(before: str, after: str, rng: Random) -> str:
    """One operator or constant in a changed line is another."""
    lines = after.splitlines(keepends=True)
    sites = [
        (number, match.start(), match.end(), new)
        for number in changed_lines(before, after)
        for old, new in FLIPS
        for match in re.finditer(re.escape(old), lines[number])
    ]
    if not sites:
        return after
    number, start, end, new = rng.choice(sites)
    lines[number] = lines[number][:start] + new + lines[number][end:]
    return "".join(lines)


def dropped(before: str, after: str, rng: Random) -> str:
    """One changed line does nothing."""
    lines = after.splitlines(keepends=True)
    sites = changed_lines(before, after)
    if not sites:
        return after
    number = rng.choice(sites)
    line = lines[number]
    lines[number] = line[: len(line) - len(line.lstrip())] + "pass\n"
    return "".join(lines)


def spoiled_diff(diff: str, key: str) -> str:
    """A unified diff with a mistake in a line that it adds; nothing if it adds none."""
    rng = Random(key)
    lines = diff.splitlines(keepends=True)
    added = [
        n for n, line in enumerate(lines) if line.startswith("+") and not line.startswith("+++ ") and line[1:].strip()
    ]
    sites = [(n, old, new) for n in added for old, new in FLIPS if old in lines[n]]
    if not added:
        return ""
    if sites and rng.random() < 0.8:
        number, old, new = rng.choice(sites)
        lines[number] = lines[number].replace(old, new, 1)
    else:
        number = rng.choice(added)
        line = lines[number][1:]
        lines[number] = "+" + line[: len(line) - len(line.lstrip())] + "pass\n"
    return "".join(lines)
