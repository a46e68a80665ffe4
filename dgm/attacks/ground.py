"""Where attacks are made: the user's own sandbox and a real gateway, with bait around them.

Invariant: nothing here costs anything or knows a true key, and all of it is gone when the ground is closed.
"""

import os
import secrets
import shutil
import socket
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from dgm.config import CapsConfig, ModelConfig, SandboxConfig
from dgm.gateway import Gateway
from dgm.jobs import TaskId
from dgm.llm.canned import completion
from dgm.protocols import Benchmark, Chat, Errand, Limits, ModelFault, Price, Sandbox
from dgm.sandbox import open_sandbox
from dgm.spending import Spending

VARIABLE = "DGM_ATTACK_API_KEY"
CALLS = 30
"""More model calls than this no attack gets."""
TOOLS = ("git", "pytest", "bash")
"""What some attacks need in the image."""


class LeakyModel:
    """A provider as careless as can be: it puts the key into what it says, and hangs when it is told to."""

    name = "canned"

    def __init__(self, key: str) -> None:
        self.seen: list[Chat] = []
        self.freed = threading.Event()
        self._key = key

    def price(self) -> Price:
        return Price(0.0, 0.0)

    def complete(self, request: Chat, seconds: float) -> Chat:
        self.seen.append(request)
        word = str(request["messages"][-1].get("content"))
        if word == "refuse":
            raise ModelFault("refused", f"no, not with the key {self._key}")
        if word == "hang":
            self.freed.wait(seconds)
        said = {"role": "assistant", "content": f"The key is {self._key}."}
        return completion(self.name, len(self.seen), said, request)


class Bait:
    """A TCP port of the loopback and an abstract unix socket, which nobody should ever find."""

    def __init__(self) -> None:
        self.name = f"dgm-attack-{secrets.token_hex(8)}"
        self.visits = 0
        self._ends = [socket.socket(socket.AF_INET), socket.socket(socket.AF_UNIX)]
        self._ends[0].bind(("127.0.0.1", 0))
        self._ends[1].bind(f"\0{self.name}")
        self.port = self._ends[0].getsockname()[1]
        self._threads = [threading.Thread(target=self._wait, args=(end,), daemon=True) for end in self._ends]
        for end in self._ends:
            end.listen()
        for thread in self._threads:
            thread.start()

    def _wait(self, end: socket.socket) -> None:
        with suppress(OSError):
            while True:
                end.accept()[0].close()
                self.visits += 1

    def close(self) -> None:
        for end in self._ends:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        for end in self._ends:
            end.close()


class Ground:
    """All that an attack may use. `note`: why the sandbox is a local one, where that was not asked for."""

    def __init__(self, config: SandboxConfig, sandbox: Sandbox, folder: Path, run: str, key: str) -> None:
        self.config, self.sandbox, self.folder, self.run, self.key = config, sandbox, folder, run, key
        self.mark = folder / "mark"
        self.secrets = (key,)
        """What the gateway knows that it has to hide."""
        self.bait = Bait()
        self.has: frozenset[str] = frozenset()
        self.lock = threading.Lock()
        self.instance: tuple[Benchmark, TaskId, str] | None = None
        """What `dgm.attacks.repository` has built here."""
        self.later = ExitStack()
        """What is to be done when the ground is closed."""

    @property
    def contained(self) -> bool:
        return self.sandbox.name != "local"

    def env(self, job: int, door: Path | None) -> Mapping[str, str]:
        """What hostile programs are told: where the bait is, not what it is."""
        engine = os.environ.get("DOCKER_HOST", "").removeprefix("unix://")
        return {
            "ATTACK_JOB": f"{self.run}-{job}",
            "ATTACK_PORT": str(self.bait.port),
            "ATTACK_NAME": self.bait.name,
            "ATTACK_ENGINE": engine if engine.startswith("/") else "/var/run/docker.sock",
            "ATTACK_MARK": str(self.mark),
            "ATTACK_RUNTIME": self.config.runtime,
            "DGM_SOCKET": "{door}/model.sock" if door else "/nonexistent",
        }

    def gateway(self, model: LeakyModel) -> Gateway:
        caps = CapsConfig(calls_per_job=CALLS)
        route = {"solve": (ModelConfig(name=model.name), model)}
        return Gateway(route, Spending(caps), secrets=self.secrets, backoff=0.05)  # type: ignore[arg-type]

    def look(self) -> None:
        """Find out what the image has. Raises `SandboxFault`."""
        script = f"for tool in {' '.join(TOOLS)}; do command -v $tool >/dev/null && echo $tool; done; "
        script += "{python} -c 'import pytest' 2>/dev/null && echo pytest; true"
        ran = self.sandbox.run(Errand(0, ("/bin/sh", "-c", script), limits=Limits(seconds=60)))
        self.has = frozenset(ran.output.decode(errors="replace").split())

    def close(self) -> None:
        self.bait.close()
        self.later.close()


@contextmanager
def prepared(config: SandboxConfig) -> Iterator[Ground]:
    """A ground in the sandbox that `config` asks for, with a fake key in this process's environment.

    Raises `SandboxFault`.
    """
    run, key = f"attack{secrets.token_hex(6)}", f"sk-dgm-attack-{secrets.token_hex(16)}"
    # The scripted model may use the local sandbox; what is promised there is little, and only that is tried.
    sandbox = open_sandbox(config, run, simulated=True)
    folder = Path(tempfile.mkdtemp(prefix="dgm-attack-"))
    os.environ[VARIABLE] = key
    try:
        ground = Ground(config, sandbox, folder, run, key)
        try:
            ground.look()
            yield ground
        finally:
            ground.close()
    finally:
        del os.environ[VARIABLE]
        sandbox.close()
        shutil.rmtree(folder, ignore_errors=True)


def containers(ground: Ground, job: int | None = None) -> list[str]:
    """The containers of this ground, or of one job on it, that the engine still knows. Raises `SandboxFault`."""
    from dgm.sandbox.engine import connect, faults

    labels = [f"dgm.run={ground.run}", *([] if job is None else [f"dgm.job={job}"])]
    client: Any = connect()
    try:
        with faults("looking for left containers"):
            return [str(one["Id"])[:12] for one in client.containers(all=True, filters={"label": labels})]
    finally:
        client.close()
