"""The rewrites that the simulated model knows: real edits of the seed's code, good, useless, harmful and broken.

An edit is a list of steps: a pattern that is looked for in the files' current text, and what takes its place. If one
of the patterns is not there, the edit cannot be made. Invariant: an edit looks at nothing but the text, so edits
compose in any order, and none of them leaves a mark other than the code that it writes.
"""

import re
from collections.abc import Mapping
from random import Random
from typing import Literal

from msgspec import Struct

Texts = Mapping[str, str]
"""The agent's source: path to text."""
Kind = Literal["good", "useless", "harmful", "broken"]


class Edit(Struct, frozen=True):
    """`@0` in a replacement stands for what the pattern found, `@name` for one of the `choices`."""

    name: str
    kind: Kind
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


CONTENTS = '''def contents(work):
    """The small text files below `work`, in full."""
    parts, left = [], @chars
    for path in listing(work).splitlines():
        name = os.path.join(work, path)
        if not os.path.isfile(name) or os.path.getsize(name) > @file:
            continue
        try:
            with open(name, encoding="utf-8") as file:
                text = file.read()
        except (OSError, UnicodeError):
            continue
        left -= len(text)
        if left < 0:
            break
        parts.append(f"{path}:\\n```\\n{text}\\n```")
    return "\\n\\n".join(parts)


@0'''
FAILED_TESTS = '''def failed_tests(toolbox):
    """What the tests in the folder print, if any of them fails."""
    _, text = toolbox.run("bash", {"command": '"${DGM_PYTHON:-python3}" -m unittest 2>&1'})
    return text if "FAILED (" in text else ""


@0'''
SNAPSHOT = '''def snapshot(work):
    """The content of all files below `work`."""
    found = {}
    for path in listing(work).splitlines():
        name = os.path.join(work, path)
        if os.path.isfile(name):
            with open(name, "rb") as file:
                found[path] = file.read()
    return found


@0'''
ASKED = '''def asked(messages, text):
    """How often the model has been told `text` already."""
    return sum(message["role"] == "user" and text in message["content"] for message in messages)


@0'''
BEFORE_CONVERSE = r"^def converse\("
WHEN_DONE = r"^        if not calls:\n"
NEEDS_ASKED = ("def asked(", BEFORE_CONVERSE, ASKED)
NEEDS_TESTS = ("def failed_tests(", BEFORE_CONVERSE, FAILED_TESTS)

GOOD = (
    Edit(
        name="contents",
        kind="good",
        proposal="Put the contents of small files into the first prompt",
        sign="def contents(",
        choices={"chars": ("16000", "20000", "24000", "30000"), "file": ("8000", "10000", "12000")},
        steps=(
            (r"^def first_prompt\(", CONTENTS),
            (
                r'^    return "\\n\\n"\.join\(parts\)\n(?=\n\ndef (?!first_prompt))',
                "    parts.append(contents(work))\n@0",
            ),
        ),
        shown_by=r"\bcat |I look",
    ),
    Edit(
        name="feedback",
        kind="good",
        proposal="Run the visible tests when the model says that it is done, and show it what fails",
        sign="TESTS_FAIL =",
        choices={"times": ("2", "3"), "words": ("Some tests fail:", "The tests still fail:", "These tests fail:")},
        needs=(NEEDS_ASKED, NEEDS_TESTS),
        steps=(
            (BEFORE_CONVERSE, 'TESTS_FAIL = "@words"\n\n\n@0'),
            (
                WHEN_DONE,
                "@0            report = failed_tests(toolbox)\n"
                "            if report and asked(messages, TESTS_FAIL) < @times:\n"
                '                messages.append({"role": "user", "content": TESTS_FAIL + "\\n" + report})\n'
                "                continue\n",
            ),
        ),
        shown_by=r"Everything is done|unittest",
    ),
    Edit(
        name="again",
        kind="good",
        proposal="Make a second attempt in a fresh conversation when the visible tests fail after the first",
        sign="An earlier attempt",
        choices={"words": ("is in the folder, and these tests fail:", "left the folder like this. Its tests fail:")},
        needs=(NEEDS_TESTS,),
        steps=(
            (
                r"^        converse\(statement, work, deadline\)\n",
                "@0        report = failed_tests(tools.Toolbox(work, deadline))\n"
                "        if report:\n"
                '            note = "\\n\\nAn earlier attempt @words\\n"\n'
                "            converse(statement + note + report, work, deadline)\n",
            ),
        ),
        shown_by=r"FAILED|Everything is done",
    ),
    Edit(
        name="nonempty",
        kind="good",
        proposal="Do not accept that the model is done as long as no file has been changed",
        sign="NO_CHANGE =",
        choices={"words": ("Make the change with the tools.", "Use the tools to make the change.", "Act now.")},
        needs=(NEEDS_ASKED,),
        steps=(
            (BEFORE_CONVERSE, 'NO_CHANGE = "No file has been changed yet. @words"\n\n\n' + SNAPSHOT),
            (r"^    toolbox = tools\.Toolbox\(work, deadline\)\n", "@0    before = snapshot(work)\n"),
            (
                WHEN_DONE,
                "@0            if snapshot(work) == before and asked(messages, NO_CHANGE) < 2:\n"
                '                messages.append({"role": "user", "content": NO_CHANGE})\n'
                "                continue\n",
            ),
        ),
        shown_by=r"change the code as the request says|changed nothing",
    ),
    Edit(
        name="check",
        kind="good",
        proposal="Ask the model to check its work against the request before it is submitted",
        sign="CHECK =",
        choices={"words": ("every sentence of the request", "the request, point by point", "the request, with care")},
        needs=(NEEDS_ASKED,),
        steps=(
            (
                BEFORE_CONVERSE,
                'CHECK = "Check your work against @words. Correct it, or reply that it is done."\n\n\n@0',
            ),
            (
                WHEN_DONE,
                "@0            if not asked(messages, CHECK):\n"
                '                messages.append({"role": "user", "content": CHECK})\n'
                "                continue\n",
            ),
        ),
        shown_by=r"Everything is done",
    ),
    Edit(
        name="output",
        kind="good",
        proposal="Show the model more of a long output before its middle is left out",
        choices={"chars": ("12000", "16000", "20000", "24000")},
        steps=((r"^OUTPUT = [1-7]?\d{0,3}(?= )", "OUTPUT = @chars"),),
        shown_by=r"characters left out",
    ),
    Edit(
        name="unreadable",
        kind="good",
        proposal="Tell the model when a tool call in its text could not be read, instead of stopping",
        sign="UNREADABLE =",
        choices={"words": ("Send it again, as valid JSON.", "Repeat it in the right form.", "Try again.")},
        needs=(NEEDS_ASKED,),
        steps=(
            (BEFORE_CONVERSE, 'UNREADABLE = "Your tool call could not be read. @words"\n\n\n@0'),
            (
                WHEN_DONE,
                '@0            if \'"arguments"\' in reply["content"] and asked(messages, UNREADABLE) < 3:\n'
                '                messages.append({"role": "user", "content": UNREADABLE})\n'
                "                continue\n",
            ),
        ),
        shown_by=r'"path": *$',
    ),
    Edit(
        name="advice",
        kind="good",
        proposal="Tell the model in the system prompt to run the tests before it finishes",
        sign="Run the tests",
        choices={"words": ("before you finish.", "after each change.", "of the folder before you are done.")},
        steps=((r"^When everything is done, reply", "Run the tests @words\n@0"),),
    ),
)

USELESS = (
    Edit(
        name="comment",
        kind="useless",
        proposal="Explain in a comment how the conversation goes",
        choices={"words": ("one reply after the other", "until nothing is left to do", "step by step", "in turns")},
        steps=((r"^    mistakes = 0\n", "    # The model and the tools take turns, @words.\n@0"),),
    ),
    Edit(
        name="rename",
        kind="useless",
        proposal="Give the function that trims the conversation a better name",
        choices={"name": ("shortened", "within_bounds", "recent")},
        steps=((r"^def trimmed\(", "def @name("), (r"= trimmed\(messages\)", "= @name(messages)")),
    ),
    Edit(
        name="log",
        kind="useless",
        proposal="Log how long the conversation has become",
        sign="messages so far",
        choices={"words": ("messages so far", "messages so far in this conversation")},
        steps=((WHEN_DONE, '        print(f"{len(messages)} @words", flush=True)\n@0'),),
    ),
    Edit(
        name="manners",
        kind="useless",
        proposal="Ask the model to think carefully",
        choices={"words": ("Think carefully.", "Take a deep breath.", "You are an expert.", "Be precise and brief.")},
        steps=((r"^Use the tools to look at files", "@words\n@0"),),
    ),
)

HARMFUL = (
    Edit(
        name="tiny_output",
        kind="harmful",
        proposal="Save tokens by cutting the output of the tools",
        choices={"chars": ("100", "120", "150")},
        steps=((r"^OUTPUT = \d{4,}", "OUTPUT = @chars"),),
    ),
    Edit(
        name="one_step",
        kind="harmful",
        proposal="Save calls by limiting the number of steps",
        choices={"steps": ("1", "2")},
        steps=((r"^STEPS = \d{2,}", "STEPS = @steps"),),
    ),
    Edit(
        name="lost_tail",
        kind="harmful",
        proposal="Save tokens by shortening the statement",
        choices={"chars": ("200", "300", "400")},
        steps=((r"^STATEMENT = \d{4,}", "STATEMENT = @chars"),),
    ),
    Edit(
        name="no_listing",
        kind="harmful",
        proposal="Save tokens by leaving the listing of files out of the first prompt",
        choices={"words": ("Look at the folder yourself.", "The files are in the current folder.")},
        steps=((r'^    parts\.append\("The files in the current folder:.*\n', '    parts.append("@words")\n'),),
    ),
)

BROKEN = (
    Edit(
        name="syntax",
        kind="broken",
        proposal="Restructure the conversation",
        choices={"name": ("conversation", "dialogue", "talk")},
        steps=((r"^def converse\(statement, work, deadline\):", "def @name(statement, work, deadline)"),),
    ),
    Edit(
        name="endless",
        kind="broken",
        proposal="Wait until the folder is ready",
        choices={"seconds": ("0.5", "1", "2")},
        steps=((r"^def main\(\):\n", "@0    while not os.path.exists('ready'):\n        time.sleep(@seconds)\n"),),
    ),
    Edit(
        name="import",
        kind="broken",
        proposal="Use a library for the prompts",
        choices={"name": ("promptkit", "agentlib", "rich_prompts")},
        steps=((r"^import sys\n", "@0import @name\n"),),
    ),
    Edit(
        name="emptied",
        kind="broken",
        proposal="Start over with a clean file",
        choices={"words": ("", "# to be written\n")},
        steps=((r"(?s)\A.*^def main\(\):.*\Z", "@words"),),
    ),
    Edit(name="nothing", kind="broken", proposal="Leave everything as it is", steps=()),
)

EDITS: tuple[Edit, ...] = GOOD + USELESS + HARMFUL + BROKEN
