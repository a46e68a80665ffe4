"""The record of uses of held-out tasks: who was compared, when, and on what; and so, how often it was done before.

Invariant: append-only and sealed by checksums, as the log of a run; a use stands in it before its first attempt.
`archive/README.md` has the format.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import msgspec
from msgspec import Struct

from dgm.durable import locked, make_folder, sync_folder, write, written
from dgm.jobs import AgentId, TaskId
from dgm.log import HEAD, Damaged, sealing, swallowed

FOLDER, USES, LOCK = "validations", "uses.log", "lock"


class Use(Struct, frozen=True):
    """One look at held-out tasks. `rivals` were compared with `baseline`, the agents of the run, in `repeats` attempts
    a task; `folder`: where below `validations/` the attempts are, an archive for each repeat. `at`: seconds since 1970
    when it began; `champion`: the best agent at that time."""

    at: float
    baseline: AgentId
    champion: AgentId
    rivals: tuple[AgentId, ...]
    repeats: int
    tasks: tuple[TaskId, ...]
    folder: str

    @property
    def looks(self) -> set[tuple[AgentId, AgentId, int, str]]:
        """The comparisons, one each."""
        return {(rival, self.baseline, self.repeats, self.folder) for rival in self.rivals}

    def covers(self, other: "Use") -> bool:
        """Whether all that `other` looks at was looked at here: then it is this use, continued."""
        same = (self.baseline, self.folder) == (other.baseline, other.folder)
        return same and set(other.rivals) <= set(self.rivals) and other.repeats <= self.repeats


def read_uses(archive: Path) -> list[Use]:
    """The uses on record, oldest first; none from a torn last line. Raises `Damaged`."""
    return _read(archive)[0]


def continued(uses: Sequence[Use], use: Use) -> Use:
    """The last of `uses` that looked at all that `use` would look at; `use`, if it is a new one."""
    return next((one for one in reversed(uses) if one.covers(use)), use)


@contextmanager
def using(archive: Path) -> Iterator[None]:
    """Keep all others from using held-out tasks of the run in `archive`, and have a record ready.

    Raises `ArchiveBusy`, `Damaged`, `NotWritten`.
    """
    folder = archive / FOLDER
    with ExitStack() as opened:
        with written(folder):
            make_folder(folder, 0o700)
            opened.enter_context(locked(folder / LOCK))
            _read(archive)
            (folder / USES).touch(0o600)  # so that a record that is lost later is missed
            sync_folder(folder)
        yield


def record(archive: Path, use: Use) -> None:
    """Let `use` stand in the record when this returns, unless it continues one that does. To be called `using` it.

    Raises `Damaged`, `NotWritten`.
    """
    uses, crc, size = _read(archive)
    if continued(uses, use) is not use:
        return
    path = archive / FOLDER / USES
    with written(path):
        handle = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
        try:
            os.ftruncate(handle, size)  # a torn tail never counted
            os.lseek(handle, size, os.SEEK_SET)
            write(handle, sealing(msgspec.json.encode(use), crc)[0])
            os.fsync(handle)
        finally:
            os.close(handle)


def _read(archive: Path) -> tuple[list[Use], int, int]:
    """The uses, the checksum of all of them, and the bytes that they take."""
    path = archive / FOLDER / USES
    if not path.is_file():
        if path.parent.is_dir() and any(entry.is_dir() for entry in path.parent.iterdir()):
            raise Damaged(
                f"{path} is lost, so nobody knows how often the held-out tasks were used: restore it from a copy. To "
                f"begin anew, move {path.parent} away, and do not call tasks fresh that were looked at"
            )
        return [], 0, 0
    uses: list[Use] = []
    crc = size = 0
    *lines, torn = path.read_bytes().split(b"\n")
    for number, line in enumerate(lines, 1):
        whole, after = sealing(line[HEAD:], crc)
        try:
            if whole != line + b"\n":
                raise ValueError("its checksum does not match it and the lines before it")
            uses.append(msgspec.json.decode(line[HEAD:], type=Use))
        except (ValueError, msgspec.DecodeError) as error:
            raise _damaged(path, number, str(error)) from error
        crc, size = after, size + len(whole)
    if swallowed(torn + b"\n", crc):
        raise _damaged(path, len(lines) + 1, "its end was changed")
    return uses, crc, size


def _damaged(path: Path, line: int, reason: str) -> Damaged:
    return Damaged(
        f"{path} is damaged at line {line}: {reason}. Restore it from a copy: without it nobody knows how often the "
        "held-out tasks were used"
    )


def earlier(use: Use, uses: Sequence[Use]) -> tuple[int, int]:
    """Which use of its tasks it is, from 1; and how many comparisons were made on any of them before it."""
    number, looks = 1, set[tuple[AgentId, AgentId, int, str]]()
    for one in uses:
        if one == use:
            break
        if set(one.tasks) & set(use.tasks):
            number += 1
            looks |= one.looks
    return number, len(looks - use.looks)
