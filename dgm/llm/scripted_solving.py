"""How the simulated model solves a task: as well as what the agent gives it allows.

A task is as hard as a hash of its id says. Each piece of evidence *in the request* raises the model's ability: the
whole statement, the content of the files that have to change, the output of failing tests, a request to check, an
earlier attempt. If the ability suffices, it writes the reference, else a plausible corruption of it. Besides, it has
habits of weak models: it may not bother to look at files, talk instead of act, or send a call that cannot be parsed.
Invariant: whether a task counts as solved is decided by its hidden tests, never here.
"""

import re
import shlex

from msgspec import Struct

from dgm.llm.scripted_errors import corrupted, spoiled_diff
from dgm.llm.scripted_wire import Call, Step, Talk, Turn, chance, digest
from dgm.protocols import Patch, Task

LOOK = "I look at the files first."
LIST = "I look which files there are."
ANSWER = "I write my solution."
TEST = "I run the tests."
DONE = "Everything is done."
LAZY = "To do this, change the code as the request says. You can make the change where it belongs."
GARBLED = 'I change the file.\n```json\n{"name": "edit", "arguments": {"command": "write", "path": \n```\n'

CORRECTIONS = 2
"""After this many corrections it gives up."""
FAILING = re.compile(r"FAILED \((?:failures|errors)|^FAIL:|^ERROR:|^Traceback ", re.MULTILINE)
CHECKING = re.compile(r"check your work|review your", re.IGNORECASE)
EARLIER = re.compile(r"earlier attempt", re.IGNORECASE)
ADVISED = re.compile(r"run the tests", re.IGNORECASE)


class Exercise(Struct, frozen=True):
    """A task with its reference. Only the simulation ever holds both."""

    id: str
    task: Task
    reference: Patch

    @property
    def head(self) -> str:
        """The beginning of the statement, by which it is recognised, with single spaces."""
        return " ".join(self.task.statement.split())[:90]

    @property
    def known(self) -> dict[str, str]:
        """Files of the starting state, path to text: all, or of a repository in an image what a diff tells of them."""
        if self.reference.diff:
            return surroundings(self.reference.diff)
        return {path: file.text for path, file in self.task.files.items()}

    @property
    def relevant(self) -> list[str]:
        """The existing files that the reference changes."""
        return [path for path in self.known if path in self.reference.changed or self.reference.diff]


def surroundings(diff: str) -> dict[str, str]:
    """The lines around and under each change, by the path of an existing file."""
    found: dict[str, str] = {}
    path = ""
    for line in diff.splitlines():
        if line.startswith("--- "):
            path = line[6:].split("\t")[0] if line.startswith("--- a/") else ""
        elif path and line[:1] in (" ", "-"):
            found[path] = found.get(path, "") + line[1:] + "\n"
    return found


def solving_step(talk: Talk, exercise: Exercise, seed: int) -> Step:
    """What the model does next."""
    answers = [text for text in talk.said if text.startswith(ANSWER)]
    if not answers:
        return before_answer(talk, exercise, seed)
    last = talk.said[-1]
    news = "\n".join(turn.text for turn in talk.news)
    if FAILING.search(news):
        return answer(talk, exercise, seed) if len(answers) <= CORRECTIONS else Step(DONE)
    if last.startswith(ANSWER):
        advised = ADVISED.search(talk.prompt) and chance(seed, exercise.id, "obedient") < 0.6
        return Step(TEST, (Call("python3 -m unittest"),)) if advised else Step(DONE)
    if any(turn.role == "user" and CHECKING.search(turn.text) for turn in talk.news) and able(talk, exercise, seed):
        return answer(talk, exercise, seed)
    return Step(DONE)


def before_answer(talk: Talk, exercise: Exercise, seed: int) -> Step:
    """Look at files, or be lazy, or answer."""
    said, mood = talk.said, f"{exercise.id} {bool(EARLIER.search(talk.prompt))}"
    if not said or said[-1].startswith(LIST):
        paths = looked_at(talk, exercise, chance(seed, mood, "diligence"))
        if paths and not exercise_seen(talk, exercise):
            return Step(LOOK, (Call(" ; ".join(f"echo {p}: ; cat {p}" for p in map(shlex.quote, paths))),))
        if not said and not any(path in talk.prompt for path in exercise.relevant):
            return Step(LIST, (Call("find . -type f | head -100"),))
    if LAZY not in said and chance(seed, mood, "lazy") < 0.1:
        return Step(LAZY)
    if not any(text.startswith("I change the file.") for text in said) and chance(seed, mood, "garbled") < 0.1:
        return Step(GARBLED)
    return answer(talk, exercise, seed)


def looked_at(talk: Talk, exercise: Exercise, sloth: float) -> list[str]:
    """The files that the model chooses to look at, of those that it has heard of: all, some or none that matter.

    It is the more slothful if it had to find out by itself which files there are.
    """
    told = talk.told
    heard = [path for path, text in exercise.known.items() if path in told and "\0" not in text]
    sloth += 0.0 if any(path in talk.prompt for path in heard) else 0.2
    if sloth < 0.45:
        return heard[:10]
    if sloth < 0.8:
        aside = [path for path in heard if path not in exercise.relevant]
        return (aside + exercise.relevant[:-1])[:10] if aside else heard[:1]
    return []


def exercise_seen(talk: Talk, exercise: Exercise) -> bool:
    return seen(talk, exercise) == 1.0


def seen(talk: Talk, exercise: Exercise) -> float:
    """Which part of the lines of the files that have to change the model has been shown."""
    told = talk.told
    known = exercise.known
    lines = [line.strip() for path in exercise.relevant for line in known[path].splitlines()]
    long = [line for line in lines if len(line) > 3]
    return sum(line in told for line in long) / len(long) if long else 1.0


def ability(talk: Talk, exercise: Exercise) -> float:
    """From 0 to 1, by what the request holds."""
    told = " ".join(talk.told.split())
    statement = [line for line in map(str.split, exercise.task.statement.splitlines()) if line]
    whole = sum(" ".join(line) in told for line in statement) / max(1, len(statement))
    part = seen(talk, exercise)
    level = 0.12 + 0.25 * part + (0.23 if part > 0.98 else 0.0)
    failures = sum(bool(FAILING.search(turn.text)) for turn in reports(talk))
    level += 0.1 * min(failures, 1) + 0.05 * min(max(failures - 1, 0), 2)
    level += 0.06 if any(CHECKING.search(turn.text) for turn in talk.turns if turn.role == "user") else 0.0
    level += 0.06 if EARLIER.search(told) else 0.0
    return level * whole**2


def reports(talk: Talk) -> list[Turn]:
    """The messages that can be about its own work: those after its first answer, or about an earlier attempt."""
    first = next((i for i, turn in enumerate(talk.turns) if turn.own and turn.text.startswith(ANSWER)), len(talk.turns))
    return [turn for i, turn in enumerate(talk.turns) if not turn.own and (i > first or EARLIER.search(turn.text))]


def able(talk: Talk, exercise: Exercise, seed: int) -> bool:
    """Whether the model gets the task right with what it has been given."""
    level = ability(talk, exercise)
    noise = 0.12 * (chance(seed, exercise.id, "noise", round(level, 3)) - 0.5)
    return level + noise > chance(seed, exercise.id, "difficulty")


def answer(talk: Talk, exercise: Exercise, seed: int) -> Step:
    """Write the reference, or something like it."""
    right = able(talk, exercise, seed)
    tries = sum(text.startswith(ANSWER) for text in talk.said)
    level = round(ability(talk, exercise), 3)
    key = f"{seed}/{exercise.id}/{tries}/{level}"
    if exercise.reference.diff:
        return Step(
            ANSWER, (applying(exercise.reference.diff if right else spoiled_diff(exercise.reference.diff, key)),)
        )
    wanted = {path: file.text for path, file in exercise.reference.changed.items()}
    if not right:
        known = exercise.known
        wanted = corrupted({path: known[path] for path in exercise.relevant}, wanted, key)
    calls = [Call(text, path) for path, text in wanted.items()]
    if right and exercise.reference.deleted:
        calls.append(Call("rm -f " + " ".join(map(shlex.quote, exercise.reference.deleted))))
    return Step(ANSWER, tuple(calls))


def applying(diff: str) -> Call:
    """A command that makes the change of `diff`, in place of an earlier one."""
    end = f"END_{digest(diff)[:8]}"
    return Call(f"git checkout -q . ; git apply <<'{end}'\n{diff.rstrip(chr(10))}\n{end}\n")
