"""Expand: from one failure of the parent to a child that is alive.

diagnose (one model call) - brief - the parent, or another author, carries it out on a copy of the parent's source -
take the child out - refuse what cannot live - smoke test. Invariant: whatever a child contains, it reaches the archive
only as checked, plain, new source that has passed the smoke test; every refusal has its reason.
"""

import json
import re
from pathlib import Path
from typing import Any

import msgspec

from dgm import agent
from dgm.agent import Means
from dgm.door import Door
from dgm.files import BadFiles, Files, checked, digest, pack, patched, unpack, without_litter
from dgm.jobs import Assignment, Evidence, Expand, Failure, Outcome, Rewrite, Usage
from dgm.ledger import cut
from dgm.protocols import Cancelled, Task
from dgm.store import load, save
from dgm.wire import Refusal

DIAGNOSE_TRIES = 3
PROMPT_CHARACTERS = 60_000
"""How much of a transcript or a source goes into the diagnosis: its head and its tail."""

SYSTEM = """You diagnose a coding agent: a program that lets a language model work on tasks through tools. You see the
agent's source and one task that it failed. Find the general weakness of the agent's own code that this failure shows,
one that will matter for other tasks too, and propose one improvement of the code that can be carried out in one go.
Never propose anything that is specific to this task. Reply with one JSON object with these keys, all strings:
"summary" (what happened), "weakness" (which general weakness of the agent's code it shows), "proposal" (the
improvement, one line of at most 100 characters), "brief" (precise instructions for the programmer who carries it
out)."""

BRIEF = """You are improving a coding agent. Its source is in the work folder{own}.

{brief}

Rules: keep the agent contract, so that the agent can still be started with `sh start` and works on any task. Change
the code in the work folder itself. Plain files only. Python's standard library only. Do not delete what is needed."""


OWN = ", which is a copy of your own source code"


class Diagnosis(msgspec.Struct, frozen=True):
    """What the model made of the evidence. Untrusted text."""

    summary: str = ""
    weakness: str = ""
    proposal: str = ""
    brief: str = ""


class Draft(msgspec.Struct, frozen=True):
    """A child as it was taken out of the sandbox, kept before it is judged."""

    source: bytes
    proposal: str
    seconds: float
    refused: tuple[str, ...]
    problem: str = ""
    """Why the source cannot be read as safe files, if it cannot."""


def expand(assignment: Assignment, job: Expand, means: Means, here: Path) -> Outcome:
    """One child, or the reason why there is none. Raises `SandboxFault` where the environment failed."""
    draft = load(here / "draft.json", Draft)
    if draft is None:
        made = drafted(assignment, means, here)
        if isinstance(made, Failure):
            return made
        draft = made
        save(here / "draft.json", draft)
    usage = Usage(seconds=draft.seconds)
    if draft.problem:
        return Failure("stillborn", draft.problem, usage)
    source = unpack(draft.source)
    try:
        problem = refusal(source, assignment) or agent.smoke(assignment.id, source, means.sandbox, here)
    except Cancelled as cancelled:
        return Failure("interrupted", str(cancelled), usage)
    if problem:
        return Failure("stillborn", problem, usage)
    return Rewrite(source, draft.proposal, usage)


def drafted(assignment: Assignment, means: Means, here: Path) -> Draft | Failure:
    """Diagnose, and let the author carry out the brief. A failure if the model or the run ended it."""
    with means.gateway.open(assignment.id, assignment.job.agent, "diagnose", here) as door:
        diagnosis = diagnose(door, assignment.source, assignment.evidence)
    if door.fault is not None:
        return Failure(*door.fault)
    save(here / "diagnosis.json", diagnosis)
    brief = BRIEF.format(brief=diagnosis.brief, own=OWN if assignment.author is None else "")
    task = Task("expansion", brief, assignment.source, workspace="child")
    worked = agent.put_to_work(assignment, task, "improve", means.config.expansion, means, here)
    if isinstance(worked, Failure):
        return worked
    ran, _ = worked
    change = agent.patch(ran, task.workspace)
    source, problem = b"", ""
    try:
        child = checked(without_litter(patched(assignment.source, change.changed, change.deleted)))
        source = pack(child)
    except BadFiles as error:
        problem = f"its source is refused: {error}"
    return Draft(source, diagnosis.proposal or "(no proposal)", ran.seconds, ran.refused, problem)


def refusal(child: Files, assignment: Assignment) -> str | None:
    """Why the child's source does not deserve an evaluation, or None."""
    if not child:
        return "its source is empty"
    if "start" not in child:
        return "its source has no `start` at its root"
    identity = digest(child)
    if identity == digest(assignment.source):
        return "it is unchanged"
    if identity in assignment.known:
        return "the archive has an agent with exactly this source"
    return None


# ---------------------------------------------------------------- diagnosis


def diagnose(door: Door, source: Files, evidence: Evidence | None) -> Diagnosis:
    """Ask for a diagnosis until one can be read, a few times; an unreadable one still serves as a brief."""
    messages = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": question(source, evidence)}]
    reply = ""
    for _ in range(DIAGNOSE_TRIES):
        try:
            reply = door.ask(messages)
        except Refusal:
            break  # the door's fault says why; without one, the money of this job is used up
        found = parse(reply)
        if found is not None:
            return found
        messages += [
            {"role": "assistant", "content": reply},
            {"role": "user", "content": "That is not one JSON object with the four keys. Reply with it, and only it."},
        ]
    return Diagnosis(proposal=one_line(reply) or "(no diagnosis)", brief=reply or "Make this agent stronger.")


def question(source: Files, evidence: Evidence | None) -> str:
    """The agent's source and its failure, as text."""
    parts = ["# The agent's source"]
    parts += [f"## {path}\n```\n{file.text}\n```" for path, file in source.items()]
    text = excerpt("\n".join(parts))
    if evidence is None:
        return text + "\n# Evidence\nNo failure of this agent is known yet. Propose what makes it stronger in general."
    return (
        f"{text}\n# A task that the agent failed\n{excerpt(evidence.statement)}\n"
        f"# What happened\n{excerpt(evidence.transcript)}\n"
        f"# The change that the agent made, which did not solve the task\n{excerpt(evidence.patch)}"
    )


def excerpt(text: str) -> str:
    """As much of `text` as goes into a prompt."""
    return cut(text, PROMPT_CHARACTERS)


def parse(reply: str) -> Diagnosis | None:
    """The diagnosis in `reply`: a JSON object, alone, in a fence or among prose; None if there is none to be found."""
    for candidate in objects(reply):
        wanted = {key: value for key, value in candidate.items() if key in Diagnosis.__struct_fields__}
        told = {key: value if isinstance(value, str) else json.dumps(value) for key, value in wanted.items()}
        # JSON can spell half a character, which no file can hold.
        texts = {key: value.encode(errors="replace").decode() for key, value in told.items()}
        if texts.get("brief") or texts.get("proposal"):
            found = msgspec.convert(texts, Diagnosis)
            brief = found.brief or found.proposal
            return msgspec.structs.replace(found, proposal=one_line(found.proposal or brief), brief=brief)
    return None


def objects(text: str) -> list[dict[str, Any]]:
    """All JSON objects that start somewhere in `text` outside one another."""
    found = []
    decoder = json.JSONDecoder(strict=False)
    place = 0
    while (match := re.compile(r"\{").search(text, place)) is not None:
        try:
            value, place = decoder.raw_decode(text, match.start())
        except (ValueError, RecursionError):
            place = match.start() + 1
            continue
        if isinstance(value, dict):
            found.append(value)
    return found


def one_line(text: str) -> str:
    """`text` as one printable line of at most 120 characters."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= 120 else line[:117] + "..."
