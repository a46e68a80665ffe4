"""What an evaluation on a SWE-bench instance costs beyond two bare containers that do the same work.

    python analysis/swebench_overhead.py [IMAGE] [ROUNDS]

Ours: an agent that does nothing in the prepared repository, then the grading of the reference. Bare: a container that
does nothing, and one that applies the reference and runs the evaluation script; the log is not looked at. Both are
measured in turn, so that the machine's other load falls on both alike. IMAGE is what our own instance is built on.
"""

import base64
import json
import statistics
import sys
import tempfile
from pathlib import Path
from time import perf_counter

from docker import APIClient

from dgm.benchmarks import SweBenchmark
from dgm.benchmarks.instance import build_instance
from dgm.benchmarks.stories import TILL
from dgm.files import File
from dgm.protocols import Errand, Patch
from dgm.sandbox.docker import DockerSandbox
from dgm.sandbox.engine import connect


def attempt(benchmark: SweBenchmark, sandbox: DockerSandbox) -> None:
    """An agent's errand that changes nothing."""
    task = benchmark.task(benchmark.tasks()[0])
    errand = Errand(
        0, ("true",), cwd=task.workspace, take=(task.workspace,), image=task.image, setup=task.setup, python=task.python
    )
    assert sandbox.run(errand).exit == 0


def grade(benchmark: SweBenchmark, sandbox: DockerSandbox, patch: Patch) -> None:
    graded = benchmark.grade(benchmark.tasks()[0], patch, sandbox, 0)
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


def main(base: str = "dgm-test-base:latest", rounds: str = "15") -> None:
    row = build_instance(base, TILL)
    packed = base64.b64encode(row["patch"].encode()).decode()
    script = f"cd /testbed && echo {packed} | base64 -d | git apply && {{ {row['eval_script']}\n}} >/tmp/log 2>&1"
    client, sandbox = connect(), DockerSandbox("overhead", base)
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "rows.json").write_text(json.dumps([row]), encoding="utf-8")
        settings = 'kind = "swebench"\nname = "own"\nrows = "rows.json"\n'
        Path(folder, "benchmark.toml").write_text(settings, encoding="utf-8")
        benchmark = SweBenchmark(Path(folder))
    patch = Patch({path: File(text.encode()) for path, text in TILL.gold.items()})
    grade(benchmark, sandbox, patch)
    columns: list[list[float]] = [[], [], [], []]
    for _ in range(int(rounds)):
        marks = [perf_counter()]
        for work in (
            lambda: attempt(benchmark, sandbox),
            lambda: grade(benchmark, sandbox, patch),
            lambda: bare(client, row["image"], "true"),
            lambda: bare(client, row["image"], script),
        ):
            work()
            marks.append(perf_counter())
        for column, start, end in zip(columns, marks, marks[1:], strict=False):
            column.append(end - start)
    a, b, c, d = map(statistics.median, columns)
    print(f"attempt {a:.3f} s and grading {b:.3f} s; bare {c:.3f} s and {d:.3f} s; ratio {(a + b) / (c + d):.2f}")
    print(f"of the two gradings alone {b / d:.2f}")
    sandbox.close()
    client.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
