"""The agent in a container: the folder, its own home and the socket, and no network.

Invariant: the container has no capability, no network and a read-only root; only REPO and temporary folders are
writable in it. It is ended by its name, whatever became of the client that started it.
"""

from __future__ import annotations

import os
import subprocess

ENGINE = "docker"
"""The engine's client, from PATH."""
ENDING = 30
"""Seconds for the engine to end it."""


class Container:
    """One container of `image`; `own` is our temporary folder, `repo` the folder to change."""

    OWN, WORK = "/dgm", "/work"

    def __init__(self, image: str, own: str, repo: str) -> None:
        self._image, self._own, self._repo = image, own, repo
        self._name = f"dgm-agent-{os.path.basename(own).lower()}-{os.getpid()}".replace("_", "-")

    def command(self, env: dict[str, str]) -> list[str]:
        """What starts the agent, in the foreground."""
        return [
            *(ENGINE, "run", "--rm", "--init", "--name", self._name, "--network", "none", "--read-only"),
            *("--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--log-driver", "none"),
            *("--pids-limit", "512", "--memory", "2g", "--user", f"{os.getuid()}:{os.getgid()}"),
            *("--tmpfs", "/tmp:exec,size=1g", "--workdir", self.WORK),  # noqa: S108
            *("--mount", _mount(self._own, self.OWN), "--mount", _mount(self._repo, self.WORK)),
            *(word for name, value in env.items() for word in ("--env", f"{name}={value}")),
            *("--entrypoint", "/bin/sh", self._image, f"{self.OWN}/home/agent/start"),
        ]

    def end(self) -> None:
        """Kill it, if it is still there."""
        try:
            subprocess.run(
                [ENGINE, "rm", "--force", self._name],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                timeout=ENDING,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired):
            return


def _mount(source: str, target: str) -> str:
    """A line of CSV, as the engine wants it."""
    quoted = source.replace('"', '""')
    return f'type=bind,"source={quoted}",target={target}'
