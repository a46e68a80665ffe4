"""What a damaged log still proves, and how to go on with that.

Invariant: an event is kept only if checksums show that its text is what was written. Whatever else is put in follows
from a commit or from an event that was kept. The file as it was found is kept beside the mended one.
"""

import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from zlib import crc32

import msgspec
from msgspec import Struct, structs

from dgm.commits import told
from dgm.durable import place, sync_folder
from dgm.events import AgentBorn, AnyEvent, JobStarted, decode, encode
from dgm.git import Repository
from dgm.jobs import AgentId, Expand, JobId
from dgm.log import HEAD, Damaged, whole
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
    known: list[AnyEvent]
    """Events that were lost, but follow from a commit, all but their cost, or from another event."""


def mend(log: Path, repository: Repository) -> Mended:
    """Replace `log` by what can be proven of it. For the one who holds the run's lock. Raises `OSError`."""
    copy = next(path for n in range(1, 1_000_000) if not (path := Path(f"{log}.damaged-{n}")).exists())
    place(copy, Path(f"{copy}.new"), log.read_bytes(), 0o600)
    sync_folder(log.parent)
    tree, mended, texts = Tree(), Mended(copy, [], []), list[bytes]()
    gaps = _gaps(log, repository)
    for line in lines(log):
        if line.event is not None:
            for event in _before(line.event, tree, gaps):
                with suppress(ValueError):
                    tree.apply(event)
                    mended.known.append(event)
                    texts.append(encode(event))
        try:
            if line.event is None:
                raise ValueError(line.reason)
            tree.apply(line.event)
            texts.append(line.text)
        except ValueError as error:
            reason = f"it cannot stand without what is lost: {error}" if line.event else line.reason
            mended.lost.append(Line(line.number, line.offset, line.text, None, reason))
    place(log, Path(f"{log}.new"), whole(texts), 0o600)
    sync_folder(log.parent)
    return mended


class _Gaps(Struct, frozen=True):
    """What was lost, but is known: births, from commits, and which job expanded whom, from the births of children."""

    births: dict[AgentId, AgentBorn]
    expansions: dict[JobId, AgentId]


def _gaps(log: Path, repository: Repository) -> _Gaps:
    started: set[JobId] = set()
    named: list[AgentId] = []
    born: dict[AgentId, AgentBorn] = {}
    for line in lines(log):
        if isinstance(line.event, JobStarted):
            started.add(line.event.id)
            named += _about(line.event)
        elif isinstance(line.event, AgentBorn):
            born[line.event.agent] = line.event
            named += [line.event.parent] if line.event.parent else []
    births: dict[AgentId, AgentBorn] = {}
    while named:
        agent = named.pop()
        if agent not in born and agent not in births:
            with suppress(Damaged):
                birth = births[agent] = _birth(repository, agent)
                named += [birth.parent] if birth.parent else []
    expansions = {
        birth.job: birth.parent
        for birth in (*born.values(), *births.values())
        if birth.job is not None and birth.parent is not None and birth.job not in started
    }
    return _Gaps(births, dict(sorted(expansions.items())))


def _before(event: AnyEvent, tree: Tree, gaps: _Gaps) -> Iterator[AnyEvent]:
    """What was lost, but is known, of what `event` stands on. Each is folded before the next one is asked for."""
    if isinstance(event, JobStarted):
        bound, agents = event.id - 1, _about(event)
    elif isinstance(event, AgentBorn) and event.job is not None:
        bound, agents = event.job, []
    else:
        return
    for job, parent in gaps.expansions.items():
        if tree.next_job <= job <= bound:
            if parent not in tree.agents and parent in gaps.births:
                yield structs.replace(gaps.births[parent], at=event.at)
            yield JobStarted(at=event.at, id=job, job=Expand(parent))
    for agent in agents:
        if agent not in tree.agents and agent in gaps.births:
            yield structs.replace(gaps.births[agent], at=event.at)


def _about(started: JobStarted) -> list[AgentId]:
    """The agents that have to be in the tree."""
    author = started.job.author if isinstance(started.job, Expand) else None
    return [started.job.agent, *([author] if author is not None else [])]


def _birth(repository: Repository, agent: AgentId) -> AgentBorn:
    """What the commit of `agent` says of its birth. Raises `Damaged`."""
    parents, (summary, job) = repository.parents(agent), told(repository.message(agent))
    return AgentBorn(
        at=0.0,
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
