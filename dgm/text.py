"""Text for terminals: agent-made words made harmless, numbers made short, colour only where it is wanted.

Invariant: nothing that an agent or a model wrote reaches a terminal with its control characters in force.
"""

import json
import os
import re
import shutil
import sys
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import TextIO

import msgspec

from dgm.jobs import AgentId, Usage
from dgm.statistics import Difference

SGR = re.compile(r"\x1b\[[0-9;]*m")
FORMULAS = ("=", "+", "-", "@")
STYLES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}


def plain(text: str) -> str:
    """`text` on one line, with everything unprintable shown as an escape: colours, cursor moves, bidi overrides."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else " " if c in "\n\t\r" else _escaped(c) for c in text)


def paragraph(text: str) -> str:
    """As `plain`, with its line breaks and tabs kept."""
    lines = text.replace("\r\n", "\n").split("\n")
    return "\n".join("\t".join(plain(part) for part in line.split("\t")) for line in lines)


def _escaped(c: str) -> str:
    return c.encode("unicode_escape").decode("ascii")


def clip(text: str, width: int) -> str:
    """`text` as one harmless line of at most `width` characters."""
    text = plain(text)
    return text if len(text) <= width else text[: max(width - 3, 0)] + "..."


def csv_cell(text: str) -> str:
    """`text` for a CSV file: on one line, with an apostrophe before what a spreadsheet would compute."""
    line = plain(text)
    return "'" + line if line.startswith(FORMULAS) else line


def short(agent: AgentId) -> str:
    return agent[:8]


def dollars(usd: float) -> str:
    """Cents, or the first digits of less than that."""
    return f"${usd:.2f}" if usd >= 0.1 or usd == 0 else f"${usd:.4f}"


def duration(seconds: float) -> str:
    seconds = max(seconds, 0.0)
    if seconds < 100:
        return f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 100:
        return f"{minutes} min {rest:02} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min"


def spent(usage: Usage) -> str:
    """Dollars, calls and tokens in words. An imported run has none on record, which does not mean that it was free."""
    if not (usage.usd or usage.calls or usage.tokens_in or usage.tokens_out):
        return "no model call on record"
    tokens = f"{usage.tokens_in:,} tokens in, {usage.tokens_out:,} out"
    return f"{dollars(usage.usd)}, {count(usage.calls, 'model call')}, {tokens}"


def points(one: Difference) -> str:
    """Of a hundred."""
    return f"{100 * one.mean:+.0f}"


def interval(one: Difference) -> str:
    """In points. A limit that is not 0 is never shown as 0: 0.2 is not the same as none."""
    return " to ".join(
        f"{100 * limit:+.{0 if round(100 * limit) or not limit else 1}f}" for limit in (one.low, one.high)
    )


def count(number: int, word: str) -> str:
    if number == 1:
        return f"1 {word}"
    return f"{number:,} {word[:-1] + 'ies' if word.endswith('y') else word + 's'}"


def styled(text: str, style: str, stream: TextIO | None = None) -> str:
    """`text` in colour where `stream` (standard output) is a terminal that wants it."""
    return f"\x1b[{STYLES[style]}m{text}\x1b[0m" if colourful(stream or sys.stdout) else text


def colourful(stream: TextIO) -> bool:
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def encodable(sample: str, stream: TextIO) -> bool:
    """Whether `stream` can say `sample`."""
    try:
        sample.encode(stream.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def width() -> int:
    """Columns of the terminal; plenty where there is none, so that pipes get whole lines."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else 200


def fold(lines: Iterable[str], indent: int, stream: TextIO | None = None) -> list[str]:
    """`lines` between words, so that they fit where `stream` (standard output) is a terminal; what goes on further
    down is indented."""
    if not (stream or sys.stdout).isatty():
        return list(lines)
    most = max(shutil.get_terminal_size().columns, indent + 20)
    return [part for line in lines for part in _folded(line, indent, most)]


def _folded(line: str, indent: int, most: int) -> Iterator[str]:
    current = ""
    for word in re.findall(r" *[^ ]+", line):
        if current.strip() and len(SGR.sub("", current + word)) > most:
            yield current
            word = " " * indent + word.lstrip()
            current = ""
        current += word
    yield current


def aligned(
    rows: Sequence[Sequence[str]], left: Collection[int] = (0,), most: int | None = None, gap: str = "  "
) -> list[str]:
    """`rows` as a table, the head first: columns to the right but those in `left`, and without those that are empty
    below the head. What is wider than `most` columns goes on in further blocks, with the first column again."""
    kept = [n for n in range(1, len(rows[0])) if any(row[n] for row in rows[1:])]
    widths = [max(len(row[n]) for row in rows) for n in range(len(rows[0]))]
    blocks: list[list[int]] = []
    for n in kept:
        block = [*(blocks[-1] if blocks else [0]), n]
        if blocks and (most is None or sum(widths[one] + len(gap) for one in block) - len(gap) <= most):
            blocks[-1] = block
        else:
            blocks.append([0, n])
    return [
        gap.join((row[n].ljust if n in left else row[n].rjust)(widths[n]) for n in block).rstrip()
        for block in blocks
        for row in rows
    ]


def out(*lines: str) -> None:
    """Data: lines on standard output."""
    sys.stdout.write("".join(line + "\n" for line in lines))


def note(*lines: str) -> None:
    """Progress and remarks: lines on standard error."""
    sys.stderr.write("".join(line + "\n" for line in lines))
    sys.stderr.flush()


def out_json(value: object) -> None:
    """`value` as indented JSON in ASCII, so that no text in it can move a cursor."""
    out(json.dumps(msgspec.to_builtins(value), indent=2, ensure_ascii=True))
