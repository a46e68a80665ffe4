"""A live view of a run, fed by its log alone: from the driver's own process or from any other.

Invariant: the run never waits for its watcher and never fails with it; at most two updates a second.
"""

import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from dgm.archive import Reader
from dgm.events import AgentBorn, AnyEvent, JobFailed, JobStarted, RunEnded, RunPaused, TaskScored
from dgm.jobs import JobId
from dgm.policies import ONCE
from dgm.report import Status, kind, setting, status
from dgm.text import clip, count, dollars, duration, note, short
from dgm.tree import Tree
from dgm.words import budget_words, cap_words, evaluation_words, failure_words, state_words, target_words

if TYPE_CHECKING:
    from rich.console import RenderableType

PACE = 300.0
"""Seconds over which the throughput is averaged."""


class Feed:
    """A run's log, a step at a time: the fold of it, and what is new in words."""

    def __init__(self, archive: Path, clock: Callable[[], float] = time.time) -> None:
        self._reader = Reader(archive)
        self._clock = clock
        self._begun: dict[JobId, JobStarted] = dict(self._reader.tree.running)
        self._scored: deque[float] = deque()
        self._best = self.status().best

    @property
    def tree(self) -> Tree:
        return self._reader.tree

    def status(self) -> Status:
        """Without a best agent where agents are only measured: none is chosen there, and nobody should look early."""
        now = status(self.tree, True, self._clock())
        return msgspec.structs.replace(now, best=None) if setting(self.tree.config, "policy.name", "") == ONCE else now

    def step(self) -> tuple[Status, list[str]]:
        """Read on: how things stand, and a line for each notable thing that happened since the last step."""
        news = self._reader.refresh()
        said = [f"{_time(event.at)} {words}" for event in news if (words := self._words(event))]
        now = self.status()
        if now.best and self._best and now.best.id != self._best.id:
            tally = f"{now.best.solved} of {now.best.evaluations}"
            said.append(f"{_time(now.last)} the best agent is now {short(now.best.id)}, {tally} solved")
        self._best = now.best
        return now, said

    def pace(self) -> float:
        """Evaluations a minute, over the last minutes."""
        now = self._clock()
        while self._scored and self._scored[0] < now - PACE:
            self._scored.popleft()
        if len(self._scored) < 2:
            return 0.0
        return 60.0 * len(self._scored) / max(now - self._scored[0], 1.0)

    def _words(self, event: AnyEvent) -> str:
        match event:
            case JobStarted():
                self._begun[event.id] = event
            case TaskScored():
                self._begun.pop(event.job, None)
                self._scored.append(event.at)
            case AgentBorn():
                self._begun.pop(event.job or 0, None)
                of = f" of {short(event.parent)}" if event.parent else ""
                return f"new agent {short(event.agent)}{of}: {clip(event.summary or 'the seed', 100)}"
            case JobFailed():
                started = self._begun.pop(event.job, None)
                what = f"{kind(started.job)} {short(started.job.agent)}" if started else f"job {event.job}"
                return f"{what} ended as {event.cause}: {clip(event.reason, 140)}"
            case RunPaused():
                return f"paused for {duration(event.seconds)}: {clip(event.reason, 200)}"
            case RunEnded():
                return f"the run ended: {clip(event.reason, 200)}"
        return ""


def _time(at: float) -> str:
    return time.strftime("%H:%M:%S", time.localtime(at))


# ---------------------------------------------------------------- two ways to show it


class Lines:
    """Plain lines on standard error: a few notable events at a time, and how far the run is when that has changed."""

    every = 5.0
    MOST = 4

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self._shown = -1
        self._remarked: set[str] = set()

    def show(self) -> None:
        now, said = self._feed.step()
        hidden = len(said) - self.MOST
        note(*([f"({count(hidden, 'earlier event')} not shown)"] if hidden > 0 else []), *said[-self.MOST :])
        step = int(now.account.share * 20)
        if step != self._shown:
            self._shown = step
            note(f"{_time(now.last)} {progress(now)}")
        for remark in now.remarks:
            if remark.about not in self._remarked:
                self._remarked.add(remark.about)
                note(f"{_time(now.last)} {remark.words}")

    def say(self, text: str) -> None:
        note(text)

    def close(self) -> None:
        """Nothing stays open."""


def progress(now: Status) -> str:
    best = f"; best {short(now.best.id)} {now.best.solved}/{now.best.evaluations}" if now.best else ""
    head = f"{now.evaluations:,} of {now.budget:,} evaluations, {now.solved:,} solved"
    if not now.account.by_evaluations:
        head = f"budget {budget_words(now)}; {now.solved:,} solved"
    return (
        f"{head}; "
        f"{count(now.agents, 'agent')}{best}; {dollars(now.usage.usd)}; {count(len(now.running), 'job')} running"
    )


ECHO = 6
"""Columns left free, as the terminal says `^C` behind the panel, and a new line would not be cleared away with it."""


class Panel:
    """A live panel on the terminal behind standard error."""

    every = 0.5

    def __init__(self, feed: Feed) -> None:
        from rich.console import Console
        from rich.live import Live

        self._feed = feed
        self._said: deque[str] = deque(maxlen=6)
        self._live = Live(console=Console(file=sys.stderr), auto_refresh=False, transient=True)
        self._live.start()

    def show(self) -> None:
        from rich.constrain import Constrain

        now, said = self._feed.step()
        self._said.extend(said)
        grid = panel(now, list(self._said), self._feed.pace(), time.time())
        self._live.update(Constrain(grid, max(self._live.console.width - ECHO, 1)), refresh=True)

    def say(self, text: str) -> None:
        self._live.console.print(text, markup=False, highlight=False)

    def close(self) -> None:
        self._live.stop()


def panel(now: Status, said: list[str], pace: float, at: float) -> "RenderableType":
    """`now` as a table for `rich`."""
    from rich.table import Table
    from rich.text import Text

    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True, min_width=len("evaluations"))
    grid.add_column(no_wrap=True, overflow="ellipsis")

    def add(name: str, text: str, style: str = "") -> None:
        grid.add_row(Text(name), Text(text, style=style))

    add(
        "run",
        state_words(now) + (" (simulation)" if now.simulation else ""),
        "yellow" if now.state == "paused" else "bold",
    )
    full = round(20 * now.account.share)
    bar = "[" + "#" * full + "." * (20 - full) + "] "
    if words := budget_words(now):
        add("budget", bar + words)
        bar = ""
    add("evaluations", f"{bar}{evaluation_words(now)}{remaining(now, pace)}")
    expanding = sum(job.kind == "expand" for job in now.running)
    add("agents", f"{now.agents:,}, {expanding} being made")
    if now.best is not None:
        tally = f"{now.best.solved} of {now.best.evaluations} solved"
        add("best", f"{short(now.best.id)}  {tally}  {clip(now.best.summary, 100)}", "green")
    add("cost", f"{dollars(now.usage.usd)}{cap_words(now)}, {now.usage.calls:,} calls, {duration(at - now.began)}")
    if now.failures:
        add("failures", failure_words(now.failures))
    for remark in now.remarks:
        add("remark", remark.words, "yellow")
    for place, job in enumerate(now.running[:8]):
        name = "running" if not place else ""
        add(name, f"{job.kind:<8} {target_words(job)}  {duration(at - job.started)}")
    if len(now.running) > 8:
        add("", f"and {len(now.running) - 8} more")
    for place, line in enumerate(said):
        add("events" if not place else "", line, "dim")
    return grid


def remaining(now: Status, pace: float) -> str:
    """`pace`: evaluations a minute. Their share of what is spent is taken to stay what it is."""
    if not pace or not now.account.share:
        return ""
    left = now.evaluations * (1 / now.account.share - 1) / pace * 60
    return f"; {pace:.1f} a minute" + (f", about {duration(left)} left" if left >= 1 else "")


# ---------------------------------------------------------------- its thread


class Watcher:
    """Shows a feed from a thread of its own, until it is closed or fails."""

    def __init__(self, archive: Path, terminal: bool) -> None:
        self._archive = archive
        self._terminal = terminal
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._screen: Lines | Panel | None = None
        self._thread = threading.Thread(target=self._watch, name="watch", daemon=True)
        self._thread.start()

    def say(self, text: str) -> None:
        """A remark between the updates."""
        with self._lock:
            if self._screen is not None:
                self._screen.say(text)
            else:
                note(text)

    def close(self) -> None:
        self._stop.set()
        self._thread.join(timeout=5.0)

    def _watch(self) -> None:
        try:
            feed = Feed(self._archive)
            with self._lock:
                self._screen = Panel(feed) if self._terminal else Lines(feed)
            try:
                self._update()
                while not self._stop.wait(self._screen.every):
                    self._update()
                self._update()
            finally:
                with self._lock:
                    self._screen.close()
                    self._screen = None
        except Exception as error:  # noqa: BLE001  # the watcher's boundary: no failure of it is the run's
            sys.stderr.write(f"The display has failed ({type(error).__name__}: {error}); the run goes on.\n")

    def _update(self) -> None:
        with self._lock:
            if self._screen is not None:
                self._screen.show()


@contextmanager
def watching(archive: Path, terminal: bool) -> Iterator[Watcher]:
    """Show what happens in `archive` on standard error meanwhile: a live panel on a terminal, else plain lines."""
    watcher = Watcher(archive, terminal)
    try:
        yield watcher
    finally:
        watcher.close()
