"""`run`: drives a run to its end, with signals for ending it early; and `status --watch`, which only looks on.

Invariant: once jobs may run, a signal handler does nothing but note that the signal came; the driver's own thread acts
on it, so that a signal can never meet a lock that it already holds. Before that, a Ctrl-C ends the process at once.
"""

import os
import resource
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from dgm import settings, trust
from dgm.archive import log_of
from dgm.cli import setting
from dgm.cli.advising import prepare_again
from dgm.cli.failing import INTERRUPTED, leave, leave_pipe
from dgm.cli.looking import job_line
from dgm.cli.reading import archive_folder, driven
from dgm.flight import End
from dgm.report import status
from dgm.text import note
from dgm.tree import Tree

if TYPE_CHECKING:
    from dgm.run import Run

TERM_GRACE = 30.0
"""Seconds that running jobs have after SIGTERM."""
CANCEL_GRACE = 15.0
"""Seconds that cancelled jobs have to end; then they are left to the next start, which writes them off."""


class Abandoned(Exception):
    """Cancelled jobs that do not end are waited for no longer."""


@dataclass
class Halt:
    """What signals have asked for. `poll` is what the loop asks; `cancel` ends running jobs, `running` names them."""

    say: Callable[[str], None]
    clock: Callable[[], float] = time.monotonic
    cancel: Callable[[], None] = lambda: None
    running: Callable[[], str] = lambda: ""
    looping: bool = False
    presses: int = 0
    drain_until: float | None = None
    said: int = 0
    cancelled_at: float | None = field(default=None)

    def catch(self, number: int, frame: FrameType | None) -> None:
        if number == signal.SIGINT:
            if not self.looping:
                raise KeyboardInterrupt
            self.presses += 1
        elif self.drain_until is None:
            self.presses = max(self.presses, 1)
            self.drain_until = self.clock() + TERM_GRACE

    def poll(self) -> End | None:
        """Raises `Abandoned`."""
        self.looping = True
        if not self.presses:
            return None
        now = self.clock()
        if self.drain_until is not None and now > self.drain_until:
            self.presses = max(self.presses, 2)
        if self.said == 0:
            self.said = 1
            self.say(f"No new jobs: waiting for the running ones to finish{self.running()}. Ctrl-C again cancels them.")
        if self.presses > 1:
            self._cancel(now)
        return End(INTERRUPTED, "a signal asked to cancel" if self.presses > 1 else "a signal asked to stop")

    def _cancel(self, now: float) -> None:
        if self.cancelled_at is None:
            self.cancelled_at = now
            self.say("Cancelling the running jobs. Nothing that has finished is lost.")
        # Again at every poll: a job may have begun its next step, such as grading, in the meantime.
        self.cancel()
        if now > self.cancelled_at + CANCEL_GRACE or self.presses > 2:
            raise Abandoned


@contextmanager
def catching(halt: Halt) -> Iterator[None]:
    """Let SIGINT, SIGTERM and SIGHUP be noted by `halt`."""
    before = {number: signal.signal(number, halt.catch) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def drive(path: Path | None, archive: Path | None, overrides: list[str], amend: list[str]) -> None:
    """Ends the process with the run's exit code."""
    config = setting.load(path, overrides)
    from dgm.arms import spent_on_controls
    from dgm.ground import Unprepared
    from dgm.run import start_run

    folder = archive_folder(archive)
    open_more_files()
    began = time.monotonic()
    try:
        opened = start_run(config, folder, os.environ, amend, elsewhere=spent_on_controls(folder))
    except Unprepared as fault:
        raise Unprepared(f"{fault}. To prepare: {prepare_again(None, path, overrides)}") from fault
    trust.accept(settings.resolved(config))
    try:
        end = driven_to_its_end(opened, folder, config.simulated, began)
        if not end.code and config.run.controls:
            from dgm.cli.controlling import drive_controls

            end = drive_controls(config, folder)
    except KeyboardInterrupt:
        note("dgm: interrupted before any job was started. The same command goes on from here.")
        end = End(INTERRUPTED, "")
    leave(end.code)  # where a call to a model hangs, its thread does too


def driven_to_its_end(opened: "Run", folder: Path, simulated: bool, began: float) -> End:
    """Drive and close the run, and say how it ended."""
    from dgm.cli.closing import close

    with opened as run:
        if simulated:
            note("This is a simulation: the scripted model stands in for a real one.")
        end = steered(run, folder)
        try:
            close(run.worker.archive.tree, folder, end, time.monotonic() - began)
            sys.stdout.flush()
        except BrokenPipeError:
            leave_pipe(end.code)
    return end


def steered(run: "Run", folder: Path) -> End:
    """Drive the run to its end, shown as it goes on, with signals for ending it early."""
    from dgm.watch import watching

    sandbox, tree = run.worker.sandbox, run.worker.archive.tree
    note(f"Sandbox: {sandbox.name}{f' ({sandbox.note})' if sandbox.note else ''}. Archive: {folder}.")
    with watching(folder, terminal=sys.stderr.isatty()) as screen:
        halt = Halt(screen.say, cancel=run.worker.cancel, running=lambda: under_way(tree))
        with catching(halt):
            try:
                return run.go(halt.poll)
            except Abandoned:
                end = End(INTERRUPTED, "cancelled, and some jobs did not end in time")
                run.worker.archive.end(end.code, end.reason)
                return end


def under_way(tree: Tree, most: int = 4) -> str:
    """The running jobs, in brackets."""
    jobs = [job_line(job, time.time()) for job in status(tree, True, time.time()).running]
    more = [f"{len(jobs) - most} more"] if len(jobs) > most else []
    return f" ({'; '.join([*jobs[:most], *more])})" if jobs else ""


def open_more_files() -> None:
    """Let this process open as many files as it may: each job needs a handful, and the usual 1,024 end at 200 jobs."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def look_on(archive: Path | None) -> None:
    """Show what happens in a run that another process drives, until it ends or Ctrl-C."""
    from dgm.watch import watching

    folder = archive_folder(archive)
    log_of(folder)
    with watching(folder, terminal=sys.stderr.isatty()):
        try:
            while driven(folder) is not False:
                time.sleep(0.5)
        except KeyboardInterrupt:
            pass
    from dgm.cli.looking import show_status

    show_status(archive, as_json=False)
