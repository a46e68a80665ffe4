"""What a rewrite by the simulated model is: a real edit of an agent's code.

An edit is a list of steps: a pattern that is looked for in the files' current text, and what takes its place. If one
of the patterns is not there, the edit cannot be made. Invariant: an edit looks at nothing but the text, so edits
compose in any order, and none of them leaves a mark other than the code that it writes.
"""

import re
from collections.abc import Mapping
from random import Random

from msgspec import Struct

Texts = Mapping[str, str]
"""The agent's source: path to text."""

WHEN_DONE = r"^        if not calls:\n"
"""Where the seed is told that the model is done."""


class Edit(Struct, frozen=True):
    """`@0` in a replacement stands for what the pattern found, `@name` for one of the `choices`."""

    name: str
    proposal: str
    """How a diagnosis words it, or would."""
    steps: tuple[tuple[str, str], ...]
    sign: str = ""
    """A text that is in the source once the edit has been made; empty if it can be made again and again."""
    choices: Mapping[str, tuple[str, ...]] = {}
    needs: tuple[tuple[str, str, str], ...] = ()
    """Steps that come first, unless their sign is there already: sign, pattern, replacement."""
    shown_by: str = ""
    """A pattern that, found in the record of a failure, speaks for this edit."""


def made(edit: Edit, texts: Texts, rng: Random) -> dict[str, str] | None:
    """`texts` with `edit` made; None if it has been made before, cannot be made or would change nothing."""
    if edit.sign and any(edit.sign in text for text in texts.values()):
        return None
    chosen = {name: rng.choice(values) for name, values in edit.choices.items()}
    steps = [step[1:] for step in edit.needs if not any(step[0] in text for text in texts.values())]
    new = dict(texts)
    for pattern, replacement in (*steps, *edit.steps):
        for path in sorted(new):
            if found := re.search(pattern, new[path], re.MULTILINE):
                new[path] = new[path][: found.start()] + filled(replacement, found, chosen) + new[path][found.end() :]
                break
        else:
            return None
    return new if new != texts else None


def filled(replacement: str, found: re.Match[str], chosen: Mapping[str, str]) -> str:
    text = replacement
    for name, value in chosen.items():
        text = text.replace(f"@{name}", value)
    return text.replace("@0", found[0])
