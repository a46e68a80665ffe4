"""How a command ends: the exit code for each kind of failure, and one clear line about it.

Invariant: whatever can be foreseen ends without a traceback; whatever cannot keeps its own.
"""

import errno
import functools
import os
import sys
import traceback
from collections.abc import Callable
from typing import Any, NoReturn, TypeVar

from dgm.archive import NoArchive
from dgm.config import ConfigError
from dgm.durable import ArchiveBusy, NotWritten
from dgm.files import BadFiles
from dgm.log import Damaged
from dgm.protocols import ModelFault, SandboxFault
from dgm.report import NoSuchAgent
from dgm.text import note, paragraph

ERROR, USAGE, CAPPED, DAMAGED, UNFIT, INTERRUPTED = 1, 2, 3, 4, 5, 130


class Unable(Exception):
    """A command that cannot do what was asked. The text says why, and what to do."""


CODES: tuple[tuple[type[BaseException], int], ...] = (
    (ConfigError, USAGE),
    (Damaged, DAMAGED),
    (SandboxFault, UNFIT),
    (NoArchive, ERROR),
    (ArchiveBusy, ERROR),
    (NotWritten, ERROR),
    (NoSuchAgent, ERROR),
    (BadFiles, ERROR),
    (ModelFault, ERROR),
    (Unable, ERROR),
    (OSError, ERROR),
)

Command = TypeVar("Command", bound=Callable[..., Any])


def guarded(command: Command) -> Command:
    """`command`, ending the process as `code_of` says where it raises."""

    @functools.wraps(command)
    def run(*args: Any, **kwargs: Any) -> None:
        try:
            command(*args, **kwargs)
            sys.stdout.flush()
        except BrokenPipeError:
            leave_pipe()
        except KeyboardInterrupt:
            fail("interrupted", INTERRUPTED)
        except Exception as error:  # noqa: BLE001  # the process's boundary: every error gets its line and its code
            fail_for(error)

    return run  # type: ignore[return-value]


def fail_for(error: Exception) -> NoReturn:
    """End the process for `error`: by the table where it was foreseen, with its traceback where it was not."""
    if isinstance(error, OSError) and error.filename:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        fail(f"{error.filename}: {error.strerror}{'; make room there' if full else ''}", ERROR)
    for kind, code in CODES:
        if isinstance(error, kind):
            fail(str(error), code)
    note(paragraph("".join(traceback.format_exception(error)).rstrip()))
    fail(
        "this is an error in dgm itself, and the lines above say where. The archive is safe: every record in it was on "
        "the disk before the next step, and the same command resumes the run",
        ERROR,
    )


def fail(text: str, code: int) -> NoReturn:
    note(f"dgm: {paragraph(text)}")
    sys.exit(code)


def leave_pipe(code: int = 0) -> NoReturn:
    """The reader of our output has seen enough, which is its good right."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    leave(code)


def leave(code: int) -> NoReturn:
    """End the process now: a thread that is stuck in an abandoned job must not keep it."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
