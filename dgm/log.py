"""The log of a run: a file that only grows, one event a line, each line sealed by a checksum over all lines so far.

Invariant: what `append` returned from is on the disk, and no line that was changed, removed, repeated or moved is ever
read as an event. Only the last line may be incomplete (the writer was killed); it never counted.

A line is `checksum SP json LF`. The checksum, 8 hexadecimal digits, is the CRC-32 of the JSON texts of this line and
all lines before it, joined.
"""

import os
import shlex
from binascii import hexlify
from collections.abc import Iterable, Iterator
from pathlib import Path
from zlib import crc32

import msgspec

from dgm.durable import NotWritten, write
from dgm.events import AnyEvent, decode, encode

HEAD = 9
"""Bytes of a line before its JSON: the checksum and a space."""


class Damaged(Exception):
    """What is stored is not what was written. The text says what, where, and what to do."""


class LogDamaged(Damaged):
    """Line `line` (from 1), which begins at byte `offset`, cannot be what was written there."""

    def __init__(self, path: Path, line: int, offset: int, reason: str) -> None:
        repair = f"dgm check --repair --archive {shlex.quote(str(path.parent))}"
        super().__init__(
            f"{path} is damaged at line {line} (byte {offset}): {reason}. `{repair}` keeps all lines that still prove "
            "themselves, and a copy of the file as it is."
        )
        self.line = line
        self.offset = offset
        self.reason = reason


class LogReader:
    """Reads a log from its start, and later only what was added since; also while another process writes it."""

    __slots__ = ("begin", "crc", "line", "offset", "path")

    def __init__(self, path: Path) -> None:
        self.path = path
        self.line = 0
        """Lines read so far."""
        self.begin = 0
        """Where the last line read begins, in bytes."""
        self.offset = 0
        """Where it ends."""
        self.crc = 0

    def events(self) -> Iterator[AnyEvent]:
        """The events since the last call, in order; none from a torn last line. Raises `LogDamaged`."""
        with self.path.open("rb", buffering=1 << 20) as file:
            if file.seek(0, os.SEEK_END) < self.offset:
                raise self.damage("the file ends before what was already read of it")
            file.seek(self.offset)
            number, offset, crc = self.line, self.offset, self.crc
            for line in file:
                text = line[HEAD:-1]
                crc = crc32(text, crc)
                # In parts, which is quicker than to make the head anew; in an order that no short line breaks.
                if line[-1] != 10 or line[:8] != hexlify(crc.to_bytes(4)) or line[8] != 32:
                    if file.read(1) or swallowed(line, self.crc):
                        raise self.damage("its checksum does not match it and the lines before it", ahead=1)
                    return
                try:
                    event = decode(text)
                except msgspec.DecodeError as error:
                    raise self.damage(f"it is no event of this version of dgm ({error})", ahead=1) from error
                self.line = number = number + 1
                self.begin = offset
                self.offset = offset = offset + len(line)
                self.crc = crc
                yield event

    def damage(self, reason: str, ahead: int = 0) -> LogDamaged:
        """The error that names the last line read (`ahead=0`) or the one after it (`ahead=1`)."""
        return LogDamaged(self.path, self.line + ahead, self.offset if ahead else self.begin, reason)


class LogWriter:
    """Appends to a log, from where a reader has come to its end. One writer at a time: see `dgm.durable.locked`."""

    def __init__(self, read: LogReader) -> None:
        """Cut off what `read` found torn at the end. Raises `OSError`."""
        self.path = read.path
        self._offset = read.offset
        self._crc = read.crc
        self._broken = False
        self._file = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
        self.torn = os.fstat(self._file).st_size - self._offset
        """Bytes of a torn last line that were cut off."""
        if self.torn:
            os.ftruncate(self._file, self._offset)
            os.fsync(self._file)

    def append(self, text: bytes) -> None:
        """Put the JSON `text` of one event on the disk. Raises `NotWritten`, and then nothing of it stays."""
        if self._broken:
            raise NotWritten(self.path, OSError("an earlier record was refused"))
        line, crc = sealing(text, self._crc)
        try:
            write(self._file, line)
            os.fsync(self._file)
        except OSError as error:
            self._broken = True
            self._cut()
            raise NotWritten(self.path, error) from error
        self._crc = crc
        self._offset += len(line)

    def _cut(self) -> None:
        try:
            os.ftruncate(self._file, self._offset)
            os.fsync(self._file)
        except OSError:
            # The disk takes nothing at all any more. What stays is a torn last line, or a whole event that nobody was
            # told of; both are understood at the next opening.
            return

    def close(self) -> None:
        os.close(self._file)


def swallowed(line: bytes, crc: int) -> bool:
    """Whether `line`, the last one, is a whole one whose end was changed, and the next one: no torn line holds one."""
    head, text = line[: HEAD - 1], line[HEAD:]
    end = text.find(b"}") + 1
    begin = 0
    while 0 < end < len(text) - 1:
        crc = crc32(text[begin:end], crc)
        if head == b"%08x" % crc:
            return True
        begin, end = end, text.find(b"}", end) + 1
    return False


def sealing(text: bytes, crc: int) -> tuple[bytes, int]:
    """The line that holds the JSON `text`, after lines whose checksum is `crc`; and the checksum from there on."""
    crc = crc32(text, crc)
    return b"%08x %b\n" % (crc, text), crc


def whole(texts: Iterable[bytes]) -> bytes:
    """A log that holds the JSON `texts`, in order."""
    lines, crc = [], 0
    for text in texts:
        line, crc = sealing(text, crc)
        lines.append(line)
    return b"".join(lines)


def sealed(event: AnyEvent) -> bytes:
    """The JSON text of `event`. Raises `ValueError` if it could not be read back, such as for a NaN."""
    text = encode(event)
    try:
        decode(text)
    except msgspec.DecodeError as error:
        raise ValueError(f"this event cannot be recorded: {error}: {event}") from error
    return text
