"""What an agent left behind on a task, as it is kept in the job's folder: `attempt.json`.

Invariant: one record holds every try so far with its grade, so that none is ever made twice. A patch in it is the whole
way from the task's starting state, however many tries it took.
"""

from collections.abc import Iterator

import msgspec
from msgspec import Struct

from dgm.files import BadFiles, File, Files, checked, pack, patched, unpack
from dgm.jobs import JobId
from dgm.ledger import cut
from dgm.protocols import Grade, Patch, Ran, Task

REPORT_CHARACTERS = 8_000
"""How much of what the tests printed is shown to the agent before it tries again: the head and the tail."""

AGAIN = """

# Another try

Your change is in the work folder already, but it does not pass the tests yet. This is what they printed:

```
{report}
```

Change the files in the work folder so that the tests pass. The tests are right as they are."""

RESTORE = """set -e
home=$1 work=$2
shift 2
if [ $# -gt 0 ]; then "$@"; fi
while IFS= read -r path; do rm -rf -- "$work/$path"; done < "$home/earlier/gone"
if [ -d "$home/earlier/new" ]; then cp -R "$home/earlier/new/." "$work/"; fi
rm -rf "$home/earlier"
"""
"""Puts the earlier change over a workspace that is made ready in the sandbox, such as one of the image."""


class Attempt(Struct, frozen=True, omit_defaults=True):
    """A patch, kept as a tar and a list, with all that a sceptic asks for."""

    changed: bytes
    deleted: tuple[str, ...]
    ended: str
    exit: int | None
    refused: tuple[str, ...]
    seconds: float
    remarks: tuple[str, ...] = ()
    """What was unusual about its way to the model."""
    job: JobId = 0
    """The job in whose folder the transcript is."""
    grade: Grade | None = None
    """How it was graded, once that is why there is another try; the grade of the last one stands in `grade.json`."""
    before: "Attempt | None" = None
    """The try before this one."""
    key: str = ""
    """What the outcome depends on, as `dgm.results` has it."""
    cached: str = ""
    """Where and when it was made, if that was another run."""

    @property
    def patch(self) -> Patch:
        return Patch(unpack(self.changed), self.deleted)

    def tries(self) -> "list[Attempt]":
        """The first try, and so on, and this one."""
        return [*(self.before.tries() if self.before else ()), self]

    def jobs(self) -> list[JobId]:
        """The jobs in which the tries were made; each has a part of the transcript."""
        return list(dict.fromkeys(one.job for one in self.tries()))

    def elsewhere(self, job: JobId, words: str) -> "Attempt":
        """This attempt as another `job` takes it over; `words`: where and when it was made."""
        before = self.before and self.before.elsewhere(job, words)
        return msgspec.structs.replace(self, job=job, cached=words, before=before)

    def flags(self, tries: int = 1) -> Iterator[str]:
        """What was unusual about how the agent worked and ended. `tries`: how many it could have made."""
        if self.cached:
            yield f"cached: {self.cached}"
        made = self.tries()
        if tries > 1:
            yield f"try {len(made)} of {tries}"
        for number, one in enumerate(made, 1):
            yield from (f"try {number}: {flag}" if len(made) > 1 else flag for flag in one._flags())

    def _flags(self) -> Iterator[str]:
        yield from self.remarks
        if self.ended != "exited":
            yield f"agent ended: {self.ended}"
        elif self.exit:
            yield f"agent ended: signal {-self.exit}" if self.exit < 0 else f"agent ended: exit code {self.exit}"
        if self.refused:
            yield "not taken: " + "; ".join(self.refused[:5])


def attempt_of(
    task: Task, ran: Ran, patch: Patch, remarks: tuple[str, ...], job: JobId, before: Attempt | None, key: str
) -> Attempt:
    """The record of one try: `patch` is what it changed in what the one `before` it had left."""
    refused = ran.refused
    if before is not None:
        try:
            patch = together(before.patch, patch, task)
        except BadFiles as error:
            refused, patch = (*refused, f"the change of the last try, since {error}"), before.patch
    return Attempt(
        pack(patch.changed), patch.deleted, ran.ended, ran.exit, refused, ran.seconds, remarks, job, None, before, key
    )


def together(first: Patch, second: Patch, task: Task) -> Patch:
    """Two patches, one after the other, as one. Raises `BadFiles` where that is too large or contradictory."""
    changed = checked(patched(first.changed, second.changed, second.deleted))
    # What the first has made and the second removed was never there, as far as that can be known.
    made = set() if in_place(task) else first.changed.keys() - task.files.keys()
    deleted = {*first.deleted, *second.deleted} - changed.keys() - made
    return Patch(changed, tuple(sorted(deleted)))


def again(task: Task, attempt: Attempt, report: str) -> Task:
    """`task` as the agent gets it after `attempt`: with its change in place, and told what the tests printed."""
    statement = task.statement.rstrip() + AGAIN.format(report=harmless(report)) + "\n"
    patch = attempt.patch
    if not in_place(task):
        files = patched(task.files, patch.changed, patch.deleted)
        return msgspec.structs.replace(task, statement=statement, files=files)
    return msgspec.structs.replace(task, statement=statement, setup=restoring(task))


def in_place(task: Task) -> bool:
    """Whether the workspace is made in the sandbox, so that its files are not known here."""
    return bool(task.setup) or task.workspace.startswith("/")


def restoring(task: Task) -> tuple[str, ...]:
    """The setup of `task`, and then that which puts `luggage` in its place."""
    work = task.workspace if task.workspace.startswith("/") else "{home}/" + task.workspace
    return ("/bin/sh", "-c", RESTORE, "restore", "{home}", work, *task.setup)


def luggage(task: Task, attempt: Attempt | None) -> Files:
    """Files for the sandbox's home that `restoring` needs."""
    if attempt is None or not in_place(task):
        return {}
    patch = attempt.patch
    gone = "".join(f"{path}\n" for path in (*patch.deleted, *patch.changed))
    new = {f"earlier/new/{path}": file for path, file in patch.changed.items()}
    return {"earlier/gone": File(gone.encode()), **new}


def harmless(report: str) -> str:
    """As much of what tests printed as goes into a statement, without control characters and fences."""
    text = "".join(c if c.isprintable() or c in "\n\t" else " " for c in report.replace("\r\n", "\n"))
    return cut(text.replace("```", "'''"), REPORT_CHARACTERS)


def readable(patch: Patch) -> str:
    """A patch as text for people and prompts: the new content of each file."""
    parts = [f"--- {path}\n{cut(file.text, 8_000)}" for path, file in patch.changed.items()]
    parts += [f"--- {path}: deleted" for path in patch.deleted]
    return "\n".join(parts) or "(nothing was changed)"
