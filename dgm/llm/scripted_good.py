"""The rewrites by which the simulated model makes an agent of the seed's kind stronger.

Invariant: each is complete: the code that it adds does what its proposal says, whatever other edits were made before.
"""

from dgm.llm.scripted_edits import WHEN_DONE, Edit

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
NEEDS_ASKED = ("def asked(", BEFORE_CONVERSE, ASKED)
NEEDS_TESTS = ("def failed_tests(", BEFORE_CONVERSE, FAILED_TESTS)

GOOD = (
    Edit(
        name="contents",
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
        proposal="Show the model more of a long output before its middle is left out",
        choices={"chars": ("12000", "16000", "20000", "24000")},
        steps=((r"^OUTPUT = [1-7]?\d{0,3}(?= )", "OUTPUT = @chars"),),
        shown_by=r"characters left out",
    ),
    Edit(
        name="unreadable",
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
        proposal="Tell the model in the system prompt to run the tests before it finishes",
        sign="Run the tests",
        choices={"words": ("before you finish.", "after each change.", "of the folder before you are done.")},
        steps=((r"^When everything is done, reply", "Run the tests @words\n@0"),),
    ),
)
