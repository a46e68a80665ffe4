"""What an evaluation on a SWE-bench instance costs beyond two bare containers that do the same work.

    python analysis/swebench_overhead.py [IMAGE] [ROUNDS]

Ours: an agent that does nothing in the prepared repository, then the grading of the reference. Bare: a container that
does nothing, and one that applies the reference and runs the same evaluation script, under the same profile and
all orders over one connection; its log is not looked at. All are measured in turn, so that the
machine's other load falls on all alike. IMAGE is what our own instance is built on.

The ratio is that of the medians, (attempt + grading) / (bare + bare), in two ways:

- without tests: the script's test command only prints, and takes no time on either side; nothing proves what it prints.
- with pytest: what the tests take (bare with them less bare without them) is left out on both sides, so that all that
  the proof adds to them counts as overhead. Where it were left in, the ratio would only look better.
"""

import base64
import json
import os
import statistics
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

from docker import APIClient

from dgm.benchmarks import SweBenchmark
from dgm.benchmarks.instance import build_instance
from dgm.benchmarks.stories import TILL
from dgm.config import SandboxConfig
from dgm.files import File
from dgm.jobs import TaskId
from dgm.protocols import Errand, Patch
from dgm.sandbox.docker import DockerSandbox
from dgm.sandbox.engine import connect


def attempt(benchmark: SweBenchmark, sandbox: DockerSandbox) -> None:
    """An agent's errand that changes nothing."""
    task = benchmark.task(benchmark.tasks()[0])
    errand = Errand(
        0,
        ("true",),
        cwd=task.workspace,
        take=(task.workspace,),
        image=task.image,
        derive=task.derive,
        python=task.python,
    )
    assert sandbox.run(errand).exit == 0


def grade(benchmark: SweBenchmark, task: TaskId, sandbox: DockerSandbox, patch: Patch) -> None:
    graded = benchmark.grade(task, patch, sandbox, 0)
    assert graded.solved, graded


def bare(client: APIClient, image: str, script: str) -> None:
    """A container that runs `script` under the same profile."""
    host = client.create_host_config(
        network_mode="none",
        tmpfs={"/tmp": "size=512m"},  # noqa: S108
        cap_drop=["ALL"],
        cap_add=["CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID"],
        security_opt=["no-new-privileges"],
        pids_limit=256,
        mem_limit="1g",
        memswap_limit="1g",
        cpu_period=100_000,
        cpu_quota=100_000,
    )
    made = client.create_container(image, ["/bin/bash", "-c", script], host_config=host)
    client.start(made["Id"])
    assert client.wait(made["Id"])["StatusCode"] == 0
    client.remove_container(made["Id"])


def silent(row: dict[str, Any], command: str) -> dict[str, Any]:
    """The row with tests that take no time."""
    assert command in row["eval_script"]
    script = row["eval_script"].replace(command, "echo PASSED tests::silent")
    cases = {"FAIL_TO_PASS": '["tests::silent"]', "PASS_TO_PASS": "[]"}
    return {**row, **cases, "instance_id": "own__silent-1", "eval_script": script}


def applied(row: dict[str, Any]) -> str:
    packed = base64.b64encode(row["patch"].encode()).decode()
    return f"cd /testbed && echo {packed} | base64 -d | git apply && {{ {row['eval_script']}\n}} >/tmp/log 2>&1"


def main(base: str = "dgm-test-base:latest", rounds: str = "15") -> None:
    row = build_instance(base, TILL)
    rows = [row, silent(row, f"{TILL.command} {' '.join(TILL.test)}")]
    client, sandbox = connect(), DockerSandbox("overhead", SandboxConfig(image=base))
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "rows.json").write_text(json.dumps(rows), encoding="utf-8")
        settings = 'kind = "swebench"\nname = "own"\nrows = "rows.json"\n'
        Path(folder, "benchmark.toml").write_text(settings, encoding="utf-8")
        benchmark = SweBenchmark(Path(folder))
    patch = Patch({path: File(text.encode()) for path, text in TILL.gold.items()})
    tested, untested = benchmark.tasks()
    works: dict[str, Callable[[], None]] = {
        "attempt": lambda: attempt(benchmark, sandbox),
        "bare": lambda: bare(client, row["image"], "true"),
        "grading": lambda: grade(benchmark, untested, sandbox, patch),
        "bare grading": lambda: bare(client, row["image"], applied(rows[1])),
        "grading with pytest": lambda: grade(benchmark, tested, sandbox, patch),
        "bare grading with pytest": lambda: bare(client, row["image"], applied(row)),
    }
    times: dict[str, list[float]] = {name: [] for name in works}
    for count in range(int(rounds) + 1):
        for name, work in works.items():
            start = perf_counter()
            work()
            if count:  # the first round fills caches
                times[name].append(perf_counter() - start)
    middle = {name: statistics.median(column) for name, column in times.items()}
    for name, column in times.items():
        print(f"{name:25} {middle[name]:.3f} s, at best {min(column):.3f} s")
    below = middle["bare"] + middle["bare grading"]
    tests = middle["bare grading with pytest"] - middle["bare grading"]
    print(f"ratio without tests {(middle['attempt'] + middle['grading']) / below:.2f}")
    print(f"ratio with pytest   {(middle['attempt'] + middle['grading with pytest'] - tests) / below:.2f}")
    print(f"on {os.cpu_count()} processors under a load of {os.getloadavg()[1]:.1f}")
    sandbox.close()
    client.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
