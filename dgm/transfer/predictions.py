"""What agents changed, as SWE-bench takes it: one JSON object a line with `instance_id`, `model_name_or_path` and
`model_patch`, a unified diff for `git apply`.

Invariant: a patch turns the task's own files into what the agent left behind, byte for byte; what no diff in JSON can
say is left out of it, and named.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping

import msgspec
from msgspec import Struct

from dgm.alignment import matches, unified
from dgm.archive import Reader
from dgm.attempt import Attempt
from dgm.clade import Agent
from dgm.files import File, Files
from dgm.jobs import TaskId
from dgm.protocols import Errand, Limits, Patch, Sandbox, SandboxFault, Task
from dgm.replay import Measured
from dgm.store import load
from dgm.transfer.matrix import instance

COPY = 'cd "$1" && shift; n=0; for f in "$@"; do [ ! -f "$f" ] || [ -L "$f" ] || cp "$f" "$0/$n"; n=$((n+1)); done'
"""Copies files of an image to numbered ones."""
PLACE = "/dgm-originals"


class Prediction(Struct, frozen=True):
    """A line of the file."""

    instance_id: str
    model_name_or_path: str
    model_patch: str


class Made(Struct, frozen=True):
    """The predictions of an agent. `left_out`: by task, the paths of changed files that are not text."""

    predictions: tuple[Prediction, ...]
    left_out: dict[TaskId, tuple[str, ...]]


def patches(cell: Measured, agent: Agent) -> dict[TaskId, Patch]:
    """What `agent` changed on each task that it has a verdict on; tasks without a record of that are missing."""
    reader = Reader(cell.cell.folder)
    kept = {task: load(reader.folder(job) / "attempt.json", Attempt) for task, job in agent.jobs.items()}
    return {task: attempt.patch for task, attempt in kept.items() if attempt is not None and task in cell.tasks}


def predictions(found: Mapping[TaskId, Patch], name: str, originals: Mapping[TaskId, Files]) -> Made:
    """`originals`: the task's own version of the files that a patch names, those that there are."""
    made, left_out = [], {}
    for task, patch in sorted(found.items()):
        text, binary = diff_of(patch, originals.get(task, {}))
        made.append(Prediction(instance(task), name, text))
        if binary:
            left_out[task] = binary
    return Made(tuple(made), left_out)


def lines(made: Made) -> str:
    return "".join(json.dumps(msgspec.structs.asdict(one)) + "\n" for one in made.predictions)


# -------------------------------------------------------------------- the task's own files


def originals(task: Task, paths: Iterable[str], sandbox: Sandbox, limits: Limits) -> Files:
    """The files of `task` at `paths`, as far as there are any, if need be from its image. Raises `SandboxFault`."""
    wanted = sorted(set(paths))
    if not task.workspace.startswith("/"):
        return {path: task.files[path] for path in wanted if path in task.files}
    if not wanted:
        return {}
    paths_there = (f"./{path}" for path in wanted)
    ran = sandbox.run(
        Errand(
            job=0,
            command=("/bin/sh", "-c", COPY, PLACE, task.workspace, *paths_there),
            take=(PLACE,),
            image=task.image,
            python=task.python,
            limits=limits,
        )
    )
    if ran.ended != "exited" or ran.exit or ran.refused:
        raise SandboxFault(f"the files of {task.image} cannot be read: {ran.output.decode(errors='replace')[-500:]}")
    return {path: file for n, path in enumerate(wanted) if (file := ran.changed.get(f"{PLACE}/{n}")) is not None}


# -------------------------------------------------------------------- the diff


def diff_of(patch: Patch, before: Files) -> tuple[str, tuple[str, ...]]:
    """`patch` as a diff of `before`, and the paths of what is no text."""
    parts, binary = [], []
    for path in sorted({*patch.changed, *patch.deleted}):
        old, new = before.get(path), patch.changed.get(path)
        if old == new:
            continue
        part = file_diff(path, old, new)
        if part is None:
            binary.append(path)
        else:
            parts.append(part)
    return "".join(parts), tuple(binary)


def file_diff(path: str, old: File | None, new: File | None) -> str | None:
    """The change of one file in git's form, None where it is not text. At least one of the two is there."""
    try:
        before, after = (text_lines(file) for file in (old, new))
    except UnicodeDecodeError:
        return None
    head = f"diff --git {quoted('a/' + path)} {quoted('b/' + path)}\n"
    if old is None or new is None:
        file = new or old
        assert file is not None
        head += f"{'new' if old is None else 'deleted'} file mode {mode(file)}\n"
    elif mode(old) != mode(new):
        head += f"old mode {mode(old)}\nnew mode {mode(new)}\n"
    if before == after:
        return head
    names = ("/dev/null" if old is None else named("a/" + path), "/dev/null" if new is None else named("b/" + path))
    return head + "".join(ended(line) for line in hunks(before, after, *names))


def hunks(before: list[str], after: list[str], old: str, new: str) -> Iterator[str]:
    yield from (f"--- {old}\n", f"+++ {new}\n")
    yield from unified(before, after, matches(before, after), end="\n")


def text_lines(file: File | None) -> list[str]:
    """With their ends; only a line feed is one. Raises `UnicodeDecodeError` for what is no text."""
    if file is None:
        return []
    if b"\0" in file.data:
        raise UnicodeDecodeError("utf-8", file.data, 0, 1, "a NUL")
    return re.findall(r"[^\n]*\n|[^\n]+", file.data.decode())


def ended(line: str) -> str:
    return line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"


def mode(file: File) -> str:
    return "100755" if file.executable else "100644"


def quoted(name: str) -> str:
    """As git writes a name that holds a quotation mark."""
    return '"' + name.replace('"', '\\"') + '"' if '"' in name else name


def named(name: str) -> str:
    """As it stands after `---` and `+++`, where a tab ends a name with a space in it."""
    return quoted(name) + "\t" * (" " in name and '"' not in name)
