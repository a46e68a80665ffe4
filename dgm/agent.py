"""The host's side of the agent contract (`agents_seed/README.md`): how an agent is started, and whether it is alive.

Invariant: an agent gets its own source, a statement, a folder to change and a door to the model, and nothing else.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from dgm.config import CapsConfig, Config, ModelConfig, Role
from dgm.door import Door
from dgm.files import File, Files
from dgm.gateway import Gateway
from dgm.jobs import Assignment, Failure, JobId
from dgm.llm.canned import CannedModel
from dgm.protocols import Benchmark, Cancelled, Errand, Limits, Patch, Ran, Sandbox, SandboxFault, Task
from dgm.results import Results
from dgm.spending import Spending

CONTRACT = 1
"""The version of the contract: another number where agents meet something else than before, so that what they achieved
cannot be compared."""
SMOKE = Task("smoke", "Write the file named below into the work folder, then say that you are done.")
"""The smoke test. What is really asked for comes from the canned model."""
SMOKE_LIMITS = Limits(seconds=30.0)


@dataclass(frozen=True)
class Means:
    """What the jobs of a run are done with."""

    benchmark: Benchmark
    sandbox: Sandbox
    gateway: Gateway
    config: Config
    results: Results | None = None
    """What was paid for earlier; None for a run that neither takes nor keeps any."""


def errand(job: JobId, source: Files, task: Task, door: Door, limits: Limits, luggage: Files | None = None) -> Errand:
    """Start the agent `source` on `task`. `luggage`: more files in its home, for the setup of the task."""
    files = {**(luggage or {}), "statement.md": File(task.statement.encode())}
    files |= {f"agent/{path}": file for path, file in source.items()}
    files |= {f"{task.workspace}/{path}": file for path, file in task.files.items()}
    return Errand(
        job=job,
        command=("/bin/sh", "{home}/agent/start"),
        files=files,
        cwd=task.workspace,
        env={
            "DGM_STATEMENT": "{home}/statement.md",
            "DGM_WORK": task.workspace if task.workspace.startswith("/") else "{home}/" + task.workspace,
            "DGM_AGENT": "{home}/agent",
            "DGM_SOCKET": "{door}/model.sock",
            "DGM_MODEL": door.model,
            "DGM_PYTHON": "{python}",
            "DGM_SECONDS": f"{limits.seconds:g}",
            **task.env,
        },
        take=(task.workspace,),
        door=door.folder,
        image=task.image,
        derive=task.derive,
        setup=task.setup,
        python=task.python,
        limits=limits,
    )


def put_to_work(
    assignment: Assignment,
    task: Task,
    role: Role,
    limits: Limits,
    means: Means,
    here: Path,
    luggage: Files | None = None,
) -> tuple[Ran, tuple[str, ...]] | Failure:
    """Let the agent of `assignment`, or its author, work on `task`; what it prints and says to the model is kept in
    `here`.

    How it ended, with remarks on its way to the model that a sceptic should see. A failure if the model or the run,
    rather than the agent, ended it. Raises `SandboxFault`.
    """
    with means.gateway.open(assignment.id, assignment.job.agent, role, here) as door:
        source = assignment.source if assignment.author is None else assignment.author
        ran = means.sandbox.run(errand(assignment.id, source, task, door, limits, luggage))
    with suppress(OSError), (here / "output.txt").open("ab") as file:  # for people only; of each try
        file.write(ran.output)
    if door.fault is not None:
        return Failure(*door.fault)
    if ran.ended == "cancelled":
        return Failure("interrupted", "the job was cancelled")
    return starved(ran, door, limits) or (ran, tuple(remarks(door)))


def remarks(door: Door) -> Iterator[str]:
    """What was unusual about an agent's way to the model."""
    if not door.usage.calls:
        yield "the model answered no call"
    if door.abandoned:
        yield "a call was still unanswered when the agent ended"


def patch(ran: Ran, workspace: str) -> Patch:
    """What the agent changed below `workspace`, paths relative to it."""
    inside = workspace + "/"
    return Patch(
        {path.removeprefix(inside): file for path, file in ran.changed.items() if path.startswith(inside)},
        tuple(path.removeprefix(inside) for path in ran.deleted if path.startswith(inside)),
    )


def starved(ran: Ran, door: Door, limits: Limits) -> Failure | None:
    """A failure of the provider's if the time ran out while it had failed a call and not answered it since.

    An agent that knows its limit may leave a little before it.
    """
    if door.owing is None or ran.seconds < 0.9 * limits.seconds:
        return None
    return Failure("provider", f"the time ran out while the provider failed: {door.owing}")


def smoke(job: JobId, source: Files, sandbox: Sandbox, folder: Path) -> str | None:
    """Why `source` is not an agent that can be evaluated, or None if it is. Free: a canned model answers it.

    One that runs out of time gets a second chance, since the machine may have been busy. It has to start, reach the
    model, carry out what the model asks for, and end by itself with exit code 0. Raises `SandboxFault` where the
    environment failed, `Cancelled` where `sandbox` was told to cancel `job`.
    """
    problem, ran = _smoke(job, source, sandbox, folder)
    return _smoke(job, source, sandbox, folder)[0] if ran.ended == "timeout" else problem


def _smoke(job: JobId, source: Files, sandbox: Sandbox, folder: Path) -> tuple[str | None, Ran]:
    model = CannedModel()
    with (
        Gateway({"solve": (ModelConfig(name=model.name), model)}, Spending(CapsConfig())) as gateway,
        gateway.open(job, "", "solve", folder / "smoke") as door,
    ):
        ran = sandbox.run(errand(job, source, SMOKE, door, SMOKE_LIMITS))
    with suppress(OSError):
        (folder / "smoke" / "output.txt").write_bytes(ran.output)
    if ran.ended == "cancelled":
        raise Cancelled("the smoke test was cancelled; it says nothing about the child and can be repeated")
    if door.fault is not None:
        raise SandboxFault(door.fault[1])
    return _problem(ran, model), ran


def _problem(ran: Ran, model: CannedModel) -> str | None:
    if ran.ended != "exited":
        return f"the smoke test ended by {ran.ended} after {ran.seconds:.0f} s"
    if ran.exit != 0:
        return f"it ended the smoke test with exit code {ran.exit}: {last_line(ran.output)}"
    if not model.calls:
        return "it did not call the model in the smoke test"
    made = patch(ran, SMOKE.workspace).changed
    missing = [path for path, data in model.expects.items() if path not in made or made[path].data != data]
    if missing:
        return f"it did not write {missing[0]} in the smoke test, though the model asked for it through its own tool"
    return None


def last_line(output: bytes) -> str:
    """The last line with something in it, at most 200 characters: usually the error."""
    lines = [line.strip() for line in output.decode(errors="replace").splitlines() if line.strip()]
    return lines[-1][:200] if lines else "no output"
