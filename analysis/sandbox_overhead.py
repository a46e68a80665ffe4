"""What a Docker errand costs beyond a bare container: an evaluation is two errands, the agent's and the grader's.

    python analysis/sandbox_overhead.py [IMAGE] [ROUNDS]

Both are measured in turn, so that the machine's other load falls on both alike. A bare container is created, started,
waited for and removed under the same profile; it carries no files and its output is not looked at.
"""

import statistics
import sys
from collections.abc import Callable
from time import perf_counter

from docker import APIClient

from dgm.config import SandboxConfig
from dgm.files import File
from dgm.protocols import Errand
from dgm.sandbox.docker import DockerSandbox
from dgm.sandbox.engine import connect

FILES = {f"work/{n}.py": File(b"x = 1\n" * 200) for n in range(20)}


def evaluation(sandbox: DockerSandbox) -> None:
    """Two errands, with files in and a change out."""
    for _ in range(2):
        ran = sandbox.run(Errand(0, ("/bin/sh", "-c", "echo > work/new"), FILES, take=("work",)))
        assert list(ran.changed) == ["work/new"], ran


def bare(client: APIClient, image: str) -> None:
    """Two containers that do nothing."""
    for _ in range(2):
        host = client.create_host_config(
            network_mode="none",
            read_only=True,
            tmpfs={"/tmp": "size=512m"},  # noqa: S108
            cap_drop=["ALL"],
            security_opt=["no-new-privileges"],
            pids_limit=256,
            mem_limit="1g",
            memswap_limit="1g",
            cpu_period=100_000,
            cpu_quota=100_000,
        )
        made = client.create_container(image, ["/bin/sh", "-c", "true"], user="65534:65534", host_config=host)
        client.start(made["Id"])
        client.wait(made["Id"])
        client.remove_container(made["Id"])


def seconds(what: Callable[[], None]) -> float:
    start = perf_counter()
    what()
    return perf_counter() - start


def main(image: str = "dgm-test-base:latest", rounds: str = "15") -> None:
    client, sandbox = connect(), DockerSandbox("overhead", SandboxConfig(image=image))
    ours, theirs = [], []
    for _ in range(int(rounds)):
        ours.append(seconds(lambda: evaluation(sandbox)))
        theirs.append(seconds(lambda: bare(client, image)))
    a, b = statistics.median(ours), statistics.median(theirs)
    print(f"an evaluation's two errands: median {a:.3f} s; two bare containers: {b:.3f} s; ratio {a / b:.2f}")
    sandbox.close()
    client.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
