"""What a damaged log still proves, and how to go on with that.

Invariant: an event is kept only if checksums show that its text is what was written, or, for the birth of an agent, if
its commit shows it. Nothing else is put in, and the file as it was found is kept beside the mended one.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from zlib import crc32

import msgspec
from msgspec import Struct

from dgm.archive import told
from dgm.durable import place, sync_folder
from dgm.events import AgentBorn, AnyEvent, JobStarted, decode, encode
from dgm.git import Repository
from dgm.jobs import AgentId
from dgm.log import HEAD, Damaged
from dgm.tree import Tree


class Line(Struct, frozen=True):
    """A line of a log, counted from 1, that begins at byte `offset`. `event` is None if it proves nothing."""

    number: int
    offset: int
    text: bytes
    event: AnyEvent | None
    reason: str = ""

    def __str__(self) -> str:
        text = self.text.decode(errors="replace")
        return f"line {self.number} (byte {self.offset}): {self.reason}. It reads {text[:160]!r}"


def lines(log: Path) -> Iterator[Line]:
    """Every line of `log` in order, proven or not; but for a last one without an end, which never counted.

    A line is proven if its checksum fits its text, counted on either from the checksum in the line before it, or from
    the texts of the lines since the last proven one. The latter proves these texts, too.
    """
    sealed: int | None = 0
    running = 0
    pending: list[tuple[int, int, bytes]] = []
    offset = 0
    with log.open("rb") as file:
        for number, line in enumerate(file, 1):
            if not line.endswith(b"\n"):
                break
            text, seal = line[HEAD:-1], _seal(line)
            by_texts, by_seal = crc32(text, running), crc32(text, sealed or 0)
            pending.append((number, offset, text))
            offset += len(line)
            if seal is not None and (seal == by_texts or (sealed is not None and seal == by_seal)):
                *before, this = pending
                yield from (_read(*item) if seal == by_texts else _unproven(*item) for item in before)
                yield _read(*this)
                pending.clear()
                running = seal
            else:
                running = by_texts
            sealed = seal
    yield from (_unproven(*item) for item in pending)


class Mended(Struct, frozen=True):
    copy: Path
    """The log as it was."""
    lost: list[Line]
    """The lines that are not in the log any more."""
    born: list[AgentId]
    """Agents whose birth was lost, but is known from their commits, all but the cost."""


def mend(log: Path, repository: Repository) -> Mended:
    """Replace `log` by what can be proven of it. For the one who holds the run's lock. Raises `OSError`."""
    copy = next(path for n in range(1, 1_000_000) if not (path := Path(f"{log}.damaged-{n}")).exists())
    place(copy, Path(f"{copy}.new"), log.read_bytes(), 0o600)
    sync_folder(log.parent)
    tree, mended, content, crc = Tree(), Mended(copy, [], []), bytearray(), 0
    for line in lines(log):
        try:
            births = _apply(tree, line, repository)
        except ValueError as error:
            mended.lost.append(Line(line.number, line.offset, line.text, None, str(error)))
            continue
        mended.born.extend(birth.agent for birth in births)
        for text in (*map(encode, births), line.text):
            crc = crc32(text, crc)
            content += b"%08x %b\n" % (crc, text)
    place(log, Path(f"{log}.new"), bytes(content), 0o600)
    sync_folder(log.parent)
    return mended


def _apply(tree: Tree, line: Line, repository: Repository) -> list[AgentBorn]:
    """Fold `line`, after the lost birth of the agent that it is about, which is returned. Raises `ValueError`."""
    event = line.event
    if event is None:
        raise ValueError(line.reason)
    births = []
    try:
        if isinstance(event, JobStarted) and event.job.agent not in tree.agents:
            births.append(_birth(repository, event.job.agent, event.at))
            tree.apply(births[0])
        tree.apply(event)
    except (ValueError, Damaged) as error:
        raise ValueError(f"it cannot stand without what is lost: {error}") from error
    return births


def _birth(repository: Repository, agent: AgentId, at: float) -> AgentBorn:
    """What the commit of `agent` says of its birth. Raises `Damaged`."""
    parents, (summary, job) = repository.parents(agent), told(repository.message(agent))
    return AgentBorn(
        at=at,
        agent=agent,
        digest=repository.digest(agent),
        parent=parents[0] if parents else None,
        job=job,
        summary=summary if parents else "",
    )


def _seal(line: bytes) -> int | None:
    return int(line[:8], 16) if re.match(rb"[0-9a-f]{8} ", line) else None


def _read(number: int, offset: int, text: bytes) -> Line:
    try:
        return Line(number, offset, text, decode(text))
    except msgspec.DecodeError as error:
        return Line(number, offset, text, None, f"it is no event of this version of dgm ({error})")


def _unproven(number: int, offset: int, text: bytes) -> Line:
    return Line(number, offset, text, None, "its checksum does not match it and the lines before it")
