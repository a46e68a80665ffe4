"""How the simulated model diagnoses an agent, and how it rewrites one.

A diagnosis proposes something good that the source does not have, rather what the record of the failure speaks for. A
rewrite reads the source through the agent's own tools and changes it through them; what comes out is what was proposed
only some of the time. Invariant: it knows of the agent what it has read, and an agent whose tools do not show the
source as it is cannot be rewritten.
"""

import json
import re
import shlex
from random import Random

from dgm.llm.scripted_bad import BROKEN, HARMFUL, USELESS
from dgm.llm.scripted_edits import Edit, made
from dgm.llm.scripted_good import GOOD
from dgm.llm.scripted_wire import Call, Step, Talk, digest, showing, shown

DIAGNOSE = re.compile(r"diagnos", re.IGNORECASE)
REWRITE = re.compile(r"improving a coding agent|source of a coding agent|agent contract", re.IGNORECASE)

LIST = "I look which files there are."
READ = "I read the source."
WRITE = "I make the change."
DONE = "Everything is done."
BLIND = "I cannot read the source, so I leave it as it is."

SHARES = {"good": 0.4, "useless": 0.25, "harmful": 0.15, "broken": 0.2}
"""How a rewrite turns out, with which share."""
KNOWN: dict[str, tuple[Edit, ...]] = {"good": GOOD, "useless": USELESS, "harmful": HARMFUL, "broken": BROKEN}
CHUNK = 2_500
"""Bytes of source that it reads with one command."""


def is_diagnosis(talk: Talk) -> bool:
    rules = "\n".join(turn.text for turn in talk.turns if turn.role == "system")
    return bool(DIAGNOSE.search(rules)) and "JSON" in rules


def is_rewriting(talk: Talk) -> bool:
    return bool(REWRITE.search(talk.prompt))


# ---------------------------------------------------------------- diagnosis


def diagnosis(talk: Talk, seed: int) -> Step:
    """A JSON object with `summary`, `weakness`, `proposal` and `brief`, more or less well wrapped."""
    evidence = "\n".join(turn.text for turn in talk.turns if turn.role == "user" and not turn.own)
    rng = Random(digest(seed, evidence))
    missing = [edit for edit in GOOD if not is_made(edit, evidence)] or list(USELESS)
    speaks = [3.0 if edit.shown_by and re.search(edit.shown_by, evidence, re.MULTILINE) else 1.0 for edit in missing]
    [edit] = rng.choices(missing, speaks)
    found = {
        "summary": f"The agent stopped early while it worked on: {topic(evidence)}",
        "weakness": "The agent's code leaves the model alone with something that it could do for it.",
        "proposal": edit.proposal,
        "brief": f"{edit.proposal}. It was seen while the agent worked on: {topic(evidence)}. Keep the rest as it is.",
    }
    return Step(wrapped(json.dumps(found, indent=1), rng.random(), first=not talk.said))


def is_made(edit: Edit, source: str) -> bool:
    if edit.sign:
        return edit.sign in source
    return not all(re.search(pattern, source, re.MULTILINE) for pattern, _ in edit.steps)


def topic(evidence: str) -> str:
    """The first words about the failed task, if there is one."""
    _, _, failure = evidence.partition("\n# A task that the agent failed\n")
    return " ".join(failure.split())[:70] or "nothing in particular"


def wrapped(reply: str, roll: float, first: bool) -> str:
    """The ways in which models hand over JSON; now and then, at first, it is cut short."""
    if roll < 0.05 and first:
        return reply[: len(reply) // 2]
    if roll < 0.25:
        return f"Here is my diagnosis:\n\n```json\n{reply}\n```\n\nI hope that it helps."
    return f"I have looked at everything. {reply}" if roll < 0.35 else reply


# ---------------------------------------------------------------- rewriting


def rewriting_step(talk: Talk, seed: int) -> Step:
    """List the files, read them, write the change, be done."""
    said = talk.said
    if any(text.startswith((WRITE, BLIND)) for text in said):
        return Step(DONE)
    parts = shown("\n".join(turn.text for turn in talk.turns if turn.role != "system" and not turn.own))
    if said and said[-1].startswith(READ):
        texts = joined(parts)
        return Step(BLIND) if texts is None else rewrite(texts, brief_in(talk), seed)
    if "files" in parts:
        calls = reading(parts["files"])
        return Step(READ, calls) if calls else Step(BLIND)
    if said:
        return Step(BLIND)
    return Step(LIST, (Call(showing("files", "find . -type f ! -path '*/.*' -size -64k -exec wc -lc {} +")),))


def reading(table: str) -> tuple[Call, ...]:
    """Commands that show every file in chunks, from what `wc -lc` has printed."""
    calls = []
    for line in table.splitlines():
        match = re.fullmatch(r"\s*(\d+)\s+(\d+)\s+\./(.+)", line)
        if match is None:
            continue
        lines, size, path = int(match[1]) + 1, int(match[2]), match[3]
        chunks = size // CHUNK + 1
        step = -(-lines // chunks)
        for i in range(chunks):
            command = f"sed -n '{i * step + 1},{(i + 1) * step}p' {shlex.quote(path)}"
            calls.append(Call(showing(f"{path} {i + 1}/{chunks} {size}", command)))
    return tuple(calls)


def joined(parts: dict[str, str]) -> dict[str, str] | None:
    """The files whose chunks are all in `parts`; None if any chunk is missing or was not shown as it is."""
    texts: dict[str, list[str]] = {}
    wanted: dict[str, tuple[int, int]] = {}
    for label, text in parts.items():
        if match := re.fullmatch(r"(.+) (\d+)/(\d+) (\d+)", label):
            texts.setdefault(match[1], []).append(text)
            wanted[match[1]] = int(match[3]), int(match[4])
    whole = {path: "".join(chunks) for path, chunks in texts.items()}
    fine = all((len(texts[path]), len(whole[path].encode())) == wanted[path] for path in whole)
    return whole if whole and fine else None


def brief_in(talk: Talk) -> str:
    """What the prompt asks for, from where it starts to speak of an agent."""
    prompt = talk.prompt
    start = REWRITE.search(prompt)
    return prompt[start.start() :][:3_000] if start else prompt[:3_000]


def rewrite(texts: dict[str, str], brief: str, seed: int) -> Step:
    """Make the edit that the source, the brief and chance decide on."""
    key = digest(seed, brief, json.dumps(texts, sort_keys=True))
    new = chosen(texts, brief, key)
    changed = {path: text for path, text in new.items() if text != texts.get(path)}
    if not changed:
        return Step(DONE)
    return Step(WRITE, tuple(Call(text, path) for path, text in changed.items()))


def chosen(texts: dict[str, str], brief: str, key: str) -> dict[str, str]:
    """`texts` after one edit; what was proposed first, if a good one is due and it can be made."""
    rng = Random(key)
    [first] = rng.choices(list(SHARES), list(SHARES.values()))
    for kind in (first, "useless", "harmful", "broken"):
        edits = rng.sample(KNOWN[kind], len(KNOWN[kind]))
        edits.sort(key=lambda edit: edit.proposal not in brief)
        for edit in edits:
            if edit.name == "nothing":
                return texts
            if (new := made(edit, texts, rng)) is not None:
                return new
    return texts
