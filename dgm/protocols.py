"""The three things that can be swapped under the machine: where untrusted code runs, who thinks, and what counts.

Invariant: nothing here does I/O. Each Protocol has one contract suite in `tests/contracts`, which every implementation
passes.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Protocol

from msgspec import Struct
from msgspec.structs import astuple

from dgm.files import Files
from dgm.jobs import JobId, TaskId

# ---------------------------------------------------------------- Sandbox: where untrusted code runs


LEAST_MEMORY_MB = 16
"""Less starts no interpreter, and engines refuse it."""
POSSIBLE = f"limits must be positive, and at most 1,000,000,000; memory_mb at least {LEAST_MEMORY_MB}"
"""What is asked of limits, in words."""


class Limits(Struct, frozen=True, forbid_unknown_fields=True):
    """What one errand may use. Every limit is enforced by the sandbox, not asked of the code."""

    seconds: float = 600.0
    """Wall-clock time."""
    cpus: float = 1.0
    memory_mb: int = 1024
    pids: int = 256
    """Processes and threads."""
    disk_mb: int = 512
    output_bytes: int = 200_000
    """Of what it prints, this much is kept: the head and the tail."""
    take_bytes: int = 8_000_000
    """What it leaves behind may hold this much in all, and"""
    take_files: int = 2_000
    """this many files."""

    @property
    def possible(self) -> bool:
        """Whether all are positive, and such numbers as clocks, kernels and engines know."""
        return self.memory_mb >= LEAST_MEMORY_MB and all(0 < limit <= 1_000_000_000 for limit in astuple(self))


class Errand(Struct, frozen=True):
    """One command in a fresh sandbox: files in, changed files out.

    Relative paths are below the sandbox's home. `{home}`, `{python}` and `{door}` in `command`, `setup` and the values
    of `env` are replaced by the home folder, the interpreter and the folder of the gateway's socket. The environment
    holds nothing but `env`, what the image sets, `HOME`, `PATH`, `LANG` and `TMPDIR`.

    An errand whose `cwd`, `files` or `take` name folders of the image, or that derives an image of its own, runs as the
    image's root, with what root needs to own, read and write the files there and no more; any other runs as nobody.
    """

    job: JobId
    command: tuple[str, ...]
    files: Files = {}
    cwd: str = ""
    env: Mapping[str, str] = {}
    take: tuple[str, ...] = ()
    """Folders of which new, changed and deleted files are reported once all processes have been ended."""
    door: Path | None = None
    """A host folder that holds the gateway's `model.sock` and is mounted at `{door}`. None: no model."""
    image: str | None = None
    """The Docker image; None for the sandbox's own default."""
    derive: tuple[str, ...] = ()
    """A trusted command that makes of `image` the one that the errand is run in, as its root and under the same limits.
    It depends on the image alone, may name `{python}` and no other place, and has nothing of the errand before it: it
    may be run once for all errands with the same image and words, or in each. Where it fails, `run` raises
    `SandboxFault`."""
    setup: tuple[str, ...] = ()
    """A trusted command that is run before `command`, in the same place and under the same limits, with none of its
    processes left. What it changes does not count as changed; where it fails, `run` raises `SandboxFault`."""
    python: tuple[str, ...] = ()
    """Interpreters in the image, the first one that is there is used; empty for the sandbox's own default."""
    limits: Limits = Limits()


class Ran(Struct, frozen=True):
    """How an errand ended. All of it but `ended` and `seconds` is under the control of untrusted code."""

    ended: Literal["exited", "timeout", "memory", "cancelled"]
    exit: int | None
    """The exit code, negative for a signal; None unless it ended by itself."""
    output: bytes
    """Standard output and error together; where it was too long, its head and tail around a line that says so."""
    changed: Files
    """Path (as in `Errand.files`, or absolute where `take` was) to the new content of regular files. Checked."""
    deleted: tuple[str, ...]
    refused: tuple[str, ...]
    """What was left behind and not taken, with the reason: links, devices, `.git`, too large."""
    seconds: float


class SandboxFault(Exception):
    """The sandbox itself failed: no engine, no image, no space. The environment's fault, never the agent's.

    The text says what happened and what to do.
    """


class Cancelled(SandboxFault):
    """An errand was cancelled before it could say anything: no verdict, and no reason to try again."""


class Sandbox(Protocol):
    """Runs untrusted code. Thread-safe: many errands at once."""

    name: str
    """`docker` or `local`."""
    note: str
    """Why it is this one, where that needs saying; for people."""

    def check(self) -> None:
        """Raise `SandboxFault` unless errands can run here, with every limit in force."""

    def run(self, errand: Errand) -> Ran:
        """Run `errand` in a fresh sandbox that is gone afterwards, whatever happens. Raises `SandboxFault`."""

    def identity(self, image: str | None) -> str:
        """What `image` (None: the default) means from now on, in this sandbox: a digest of its content. As long as
        this object lives, errands run in that very content, whatever becomes of the name. Raises `SandboxFault`."""

    def cancel(self, job: JobId | None = None) -> None:
        """End the running errands of `job`, or all, within about a second; they return as `cancelled`."""

    def reap(self) -> int:
        """Remove what earlier drivers of this run left behind, and return how many there were."""

    def close(self) -> None:
        """Give up what is held open while no errand runs; the next one opens it again."""


# ---------------------------------------------------------------- Model: who thinks

Chat = Mapping[str, Any]
"""A chat completion request or response as the OpenAI wire format has it."""


class ModelFault(Exception):
    """The provider gave no usable answer.

    kind: `busy` (429, 500-599, timeouts, garbage, no connection: worth a retry), `refused` (a 4xx that concerns this
    request alone, such as a context that is too long: the agent is told) or `denied` (401, 403, 404, no credit: the run
    must pause and say so). `retry_after`: seconds, where the provider named them. `billed`: the attempt may be on the
    bill all the same, since it was sent and not turned away.
    """

    def __init__(
        self,
        kind: Literal["busy", "refused", "denied"],
        text: str,
        retry_after: float | None = None,
        billed: bool = False,
    ) -> None:
        super().__init__(text)
        self.kind = kind
        self.retry_after = retry_after
        self.billed = billed


class Price(Struct, frozen=True):
    """Dollars per token."""

    usd_in: float
    usd_out: float


class Model(Protocol):
    """A chat model behind the gateway. Thread-safe."""

    name: str

    def price(self) -> Price | None:
        """None: unknown, and then the configuration has to give it."""

    def complete(self, request: Chat, seconds: float) -> Chat:
        """One completion, with `usage` in the reply, within `seconds`. One attempt, no retries. Raises `ModelFault`."""


# ---------------------------------------------------------------- Benchmark: what counts


class Task(Struct, frozen=True):
    """What an agent gets to see of a task, and what its sandbox needs."""

    id: TaskId
    statement: str
    files: Files = {}
    """The starting state of the workspace."""
    image: str | None = None
    workspace: str = "work"
    """The folder to change: relative to home, or an absolute path of the image."""
    seconds: float | None = None
    """A time limit of the task's own, if it has one."""
    derive: tuple[str, ...] = ()
    """As `Errand.derive`: what makes the image fit for agents."""
    setup: tuple[str, ...] = ()
    """As `Errand.setup`: what makes the workspace ready before the agent comes."""
    env: Mapping[str, str] = {}
    """More of the agent's environment."""
    python: tuple[str, ...] = ()
    """As `Errand.python`."""
    tries: int = 1
    """How often the agent may try; between two tries it is shown what the tests printed."""
    group: str = ""
    """What it has in common with other tasks, such as its language or repository: for samples that are fair to all."""


class Patch(Struct, frozen=True):
    """A change to a task's workspace, paths relative to it: regular files only, checked."""

    changed: Files = {}
    deleted: tuple[str, ...] = ()
    diff: str = ""
    """References only, where the files themselves are known to nobody but the image: a unified diff against it."""

    def __bool__(self) -> bool:
        return bool(self.changed or self.deleted or self.diff)


class Grade(Struct, frozen=True):
    """The verdict of the hidden tests, run where no agent has been."""

    solved: bool
    report: str
    """What the tests printed, capped; for people and for the record, never for the agents of this run, unless a task
    has more than one try."""
    flags: tuple[str, ...] = ()
    tests: Mapping[str, str] = {}
    """Outcome by test id, in the words of the test framework, where the benchmark tells tests apart."""
    image: str = ""
    """`Sandbox.identity` of the image it was graded in."""
    seconds: float = 0.0
    """How long the tests took."""
    versions: Mapping[str, str] = {}
    """Tools that the verdict depends on, beyond the image."""


class Benchmark(Protocol):
    """A set of tasks and the means to grade a patch. Thread-safe."""

    name: str
    version: str
    """A digest of everything that a score depends on."""

    def tasks(self) -> Sequence[TaskId]:
        """All task ids, in a fixed order."""

    def task(self, id: TaskId) -> Task:
        """Raises `KeyError`."""

    def fingerprint(self, id: TaskId) -> str:
        """A digest of all that a score on this task depends on, but for the content of its image. Raises `KeyError`."""

    def grade(self, id: TaskId, patch: Patch, sandbox: Sandbox, job: JobId) -> Grade:
        """Grade `patch` in fresh sandboxes.

        Raises `SandboxFault` where the environment failed, `Cancelled` where `sandbox` was told to cancel `job`;
        neither is a verdict.
        """

    def reference(self, id: TaskId) -> Patch | None:
        """A patch that solves the task, where one is known: for the benchmark's own checks and the simulation only."""
