"""A registry of this machine's own, and small images in it."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from docker import APIClient
from docker.errors import NotFound

from dgm.sandbox.derived import found
from dgm.sandbox.engine import connect

BASE = os.environ.get("DGM_TEST_IMAGE", "dgm-test-base:latest")
PROGRAM = "docker-registry"
CONFIG = """\
version: 0.1
log: {{accesslog: {{disabled: true}}, level: error}}
storage: {{filesystem: {{rootdirectory: {folder}}}}}
http: {{addr: "{address}"}}
"""


def recipe(folder: Path, content: bytes, more: str = "") -> Path:
    """A Dockerfile for an image that holds `content` in the file /content."""
    folder.mkdir(exist_ok=True)
    (folder / "Dockerfile").write_text(f"FROM {BASE}\nCOPY content /content\n{more}")
    (folder / "content").write_bytes(content)
    return folder


@dataclass
class Registry:
    address: str
    engine: APIClient
    folder: Path
    process: "subprocess.Popen[bytes]"

    def push(self, name: str, content: bytes) -> str:
        """Put an image in the registry that holds `content`, and leave nothing of it here. Its name."""
        full = f"{self.address}/{name}"
        # Never twice the same, so that nothing of it is here already.
        place = recipe(self.folder / "recipe", content + os.urandom(16))
        said = [*self.engine.build(path=str(place), tag=full, rm=True, decode=True)]
        said += self.engine.push(full, stream=True, decode=True)
        assert not [one for one in said if "error" in one], said
        self.engine.remove_image(full)
        return full

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait()

    def names(self) -> list[str]:
        """The images of this registry that are here."""
        tags = [tag for image in self.engine.images() for tag in image["RepoTags"] or ()]
        return sorted(tag.rpartition("/")[2] for tag in tags if tag.startswith(self.address) and "@" not in tag)


def free_port() -> int:
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return int(trial.getsockname()[1])


@contextmanager
def running() -> Iterator[Registry]:
    program = shutil.which(PROGRAM)
    if program is None:
        if os.environ.get("CI"):
            pytest.fail(f"{PROGRAM} is missing; Debian has a package of this name")
        pytest.skip(f"needs the program {PROGRAM}, which Debian has a package for")
    address = f"127.0.0.1:{free_port()}"
    with TemporaryDirectory(prefix="dgm-registry-") as name:
        folder = Path(name)
        (folder / "config.yml").write_text(CONFIG.format(folder=folder / "data", address=address))
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen([program, "serve", str(folder / "config.yml")], stdout=log, stderr=log)
        engine = connect()
        try:
            host, port = address.split(":")
            for _ in range(200):
                with socket.socket() as trial:
                    if trial.connect_ex((host, int(port))) == 0:
                        break
                time.sleep(0.3)
            assert process.poll() is None, (folder / "log").read_text()
            yield Registry(address, engine, folder, process)
        finally:
            process.terminate()
            process.wait()
            for image in engine.images():
                for one in [*(image["RepoTags"] or ()), *(image["RepoDigests"] or ())]:
                    if one.startswith(address):
                        remove(engine, one)
            engine.close()


def remove(engine: APIClient, name: str) -> None:
    with suppress(NotFound):
        engine.remove_image(name, force=True)


def forget_derived(engine: APIClient, base: str) -> None:
    """Remove all that was derived from the image of this id."""
    for one in found(engine.images()):
        if one.base == base:
            remove(engine, one.name)
