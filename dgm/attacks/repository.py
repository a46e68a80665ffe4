"""Attacks on a task as SWE-bench has them: on a repository with a past, in an image that is built for it here.

Invariant: the image is built once, without a network, under a name of its own, and removed with the ground.
"""

import secrets
from base64 import b64encode
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import msgspec

from dgm import agent
from dgm.attacks.cases import Case, prelude
from dgm.attacks.ground import Ground, LeakyModel
from dgm.attacks.seen import NotTried
from dgm.files import File
from dgm.jobs import TaskId
from dgm.protocols import Benchmark, Grade, Limits, Ran, SandboxFault

LIMITS = Limits(seconds=90.0, memory_mb=1024)
START = b'exec "$DGM_PYTHON" -u "$DGM_AGENT/attack.py"\n'


def searched(ground: Ground, case: Case, job: int) -> Ran:
    """How the agent's side of the task looks to the program of `case`. Raises `NotTried`, `SandboxFault`."""
    benchmark, id, fix = instance(ground)
    task = benchmark.task(id)
    task = msgspec.structs.replace(task, env={**task.env, **ground.env(job, None), "ATTACK_FIX": fix})
    source = {"start": File(START), "attack.py": File(f"{prelude()}\n{case.program}\nprint('end')\n".encode())}
    model, folder = LeakyModel(ground.key), ground.folder / f"job{job}"
    with ground.gateway(model) as gateway, gateway.open(job, "", "solve", folder) as door:
        return ground.sandbox.run(agent.errand(job, source, task, door, LIMITS))


def graded(ground: Ground, case: Case, job: int) -> Grade:
    """The official verdict on the patch of `case`. Raises `NotTried`, `SandboxFault`."""
    benchmark, id, _ = instance(ground)
    patch = benchmark.reference(id) if case.honest else case.patch
    assert patch is not None
    return benchmark.grade(id, patch, ground.sandbox, job)


def instance(ground: Ground) -> tuple[Benchmark, TaskId, str]:
    """The benchmark of one task, its id, and in base 64 what only its fix contains. Raises `NotTried`."""
    with ground.lock:
        if ground.instance is None:
            ground.instance = build(ground)
        return ground.instance


def build(ground: Ground) -> tuple[Benchmark, TaskId, str]:
    from dgm.sandbox.engine import faults

    try:
        from dgm.benchmarks import swebench_official
        from dgm.benchmarks.instance import build_instance
        from dgm.benchmarks.stories import TILL
        from dgm.benchmarks.swebench import SweBenchmark

        swebench_official.version()
    except ImportError as error:
        raise NotTried(f"{error}: install swebench to have this tried") from error
    story = msgspec.structs.replace(TILL, repo="dgm/attack", number=1 + secrets.randbelow(10**9))
    ground.later.callback(removing(story.image))
    try:
        with faults("building an image"):
            row = build_instance(ground.config.image, story)
    except (SandboxFault, RuntimeError) as error:
        raise NotTried(f"no instance can be built on {ground.config.image}: {str(error)[:300]}") from error
    folder = ground.folder / "instance"
    folder.mkdir()
    (folder / "rows.jsonl").write_bytes(msgspec.json.encode(row) + b"\n")
    (folder / "benchmark.toml").write_text('kind = "swebench"\nname = "attack"\nrows = "rows.jsonl"\n')
    benchmark = SweBenchmark(folder)
    (path,) = story.gold
    fix = max(set(story.gold[path].splitlines()) - set(story.base[path].splitlines()), key=len).strip()
    return benchmark, benchmark.tasks()[0], b64encode(fix.encode()).decode()


def removing(image: str) -> Callable[[], None]:
    from dgm.sandbox.engine import connect, faults

    def remove() -> None:
        client: Any = connect()
        try:
            # It may never have been built.
            with suppress(SandboxFault), faults("removing an image"):
                client.remove_image(image, force=True)
        finally:
            client.close()

    return remove
