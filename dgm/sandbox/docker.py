"""Errands in containers.

Invariant: one errand, one container, and whatever happens the container is removed; what a killed driver left behind
is found by its label. An engine that fails is a `SandboxFault`, code that misbehaves is a `Ran`.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from secrets import token_hex
from socket import SHUT_WR, socket
from threading import Event
from time import monotonic, time
from typing import Any

from docker import APIClient
from docker.errors import DockerException, ImageNotFound, NotFound
from msgspec.structs import replace
from requests.exceptions import RequestException

from dgm.config import SandboxConfig
from dgm.files import File
from dgm.jobs import JobId
from dgm.protocols import Cancelled, Errand, Limits, Ran, SandboxFault
from dgm.sandbox import Unavailable
from dgm.sandbox.container import DOOR, ENV, HOME, check_places, make
from dgm.sandbox.derived import MARK, key_of
from dgm.sandbox.engine import API_SECONDS, Stream, Watch, connect, faults, holds, is_podman, reach, unlimited, volumes
from dgm.sandbox.exchange import NO_PYTHON, Reply, Running, broken, converse, most_bytes, order, stages
from dgm.sandbox.images import Images

GRACE = 30.0
"""Seconds beyond the errand's own that starting, unpacking and reporting may take on a busy machine."""
REMADE = 3
"""How often an errand makes its image again that others remove."""


class DockerSandbox:
    """The `Sandbox` for real models. Any engine with Docker's API 1.41 or later, podman's included."""

    name = "docker"
    note = ""

    def __init__(self, run_id: str, config: SandboxConfig) -> None:
        """The engine is the one of `DOCKER_HOST`. Raises nothing: `ready` and `check` do."""
        self.images = Images(self._engine, config)
        self._image, self._python, self._runtime = config.image, config.python, config.runtime
        self._labels = {"dgm.run": run_id, "dgm.driver": token_hex(8)}
        self._running = Running()
        self._client: APIClient | None = None
        self._inodes = ""
        self._identities: dict[str, str] = {}
        self._volumes: dict[str, list[str]] = {}

    # ------------------------------------------------------------ whether it works

    def ready(self) -> None:
        """Raise `SandboxFault` unless an engine answers and holds the image: `check` without the trial."""
        with faults("asking the engine"):
            self._look_at(self._image)

    def check(self) -> None:
        with faults("asking the engine"):
            info = self._engine().info()
            self._look_at(self._image)
        if missing := unlimited(info):
            raise SandboxFault(
                f"the engine cannot limit {', '.join(missing)}: enable these cgroup controllers for it "
                "(as root, or by systemd delegation for a rootless engine)"
            )
        ran = self.run(Errand(job=0, command=("{python}", "-c", "print('ready')"), limits=Limits(seconds=60)))
        if ran.exit != 0:
            output = ran.output.decode(errors="replace")[:500]
            raise SandboxFault(f"{self._python} does not run in {self._image} ({ran.ended}, {ran.exit}): {output}")

    def close(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None

    def _engine(self) -> APIClient:
        if self._client is None:
            self._client = connect()
            # podman knows no limit for inodes; there the limit of memory bounds them.
            self._inodes = "" if is_podman(self._client) else ",nr_inodes=200000"
        return self._client

    def identity(self, image: str | None) -> str:
        name = image or self._image
        with faults(f"looking for the image {name}"):
            self._look_at(name)
        return self._identities[name]

    def fetch(self, image: str, recipe: Path | None, cancelled: Event) -> str:
        """As `Images.get`; from now on, `image` means what was found."""
        with faults(f"getting the image {image}"):
            self._identities[image] = self.images.get(image, recipe, cancelled)
        return self._identities[image]

    def _look_at(self, image: str) -> None:
        """Raise `SandboxFault` unless the image is here, or was, and can be fetched again as it was."""
        if image not in self._identities and (found := holds(self._engine(), image)):
            self._identities[image] = found
        if image not in self._identities and (known := self.images.pinned(image)):
            self._identities[image] = known
        if image not in self._identities:
            other = ", or set sandbox.image to one that `docker images` shows" if image == self._image else ""
            raise SandboxFault(
                f"the image {image} is not here: `dgm prepare`, with the settings of the run, gets what it needs; or "
                f"get it with `docker pull {image}`{other}"
            )

    # ------------------------------------------------------------ errands

    def run(self, errand: Errand) -> Ran:
        connections: list[socket] = []

        def end() -> None:
            # The warden reads an end of its input as: the host is gone. Other than orders to the engine, of which two
            # hundred would take long, that takes no time. Where it does not work, `Watch` notices a little later.
            for connection in connections:
                with suppress(OSError):
                    connection.shutdown(SHUT_WR)

        image = self.identity(errand.image)
        with (
            faults(f"running job {errand.job}"),
            self._running.errand(errand.job, end) as cancelled,
            self.images.using(errand.image or self._image, image),
        ):
            try:
                return self._run(errand, image, cancelled, connections)
            except Cancelled:
                return broken("cancelled", "cancelled while its image was made or fetched", 0.0)

    def _run(self, errand: Errand, image: str, cancelled: Event, connections: list[socket]) -> Ran:
        key = key_of(image, errand.derive, self._pythons(errand))
        for _ in range(REMADE if errand.derive else 0):
            derived = self.images.derived(key, lambda: self._deriving(errand, image, cancelled, connections), cancelled)
            if derived is None:
                break  # Then what makes it is run in this container alone.
            with self.images.using(derived.name, derived.id):
                try:
                    container = self._make(errand, derived.id)
                except ImageNotFound:
                    self.images.forget(key)  # Another driver needed the room.
                    continue
                with self._removing(container):
                    return self._converse(container, errand, cancelled, connections, derived=True)
        with self._removing(self._create(errand, image, cancelled)) as container:
            return self._converse(container, errand, cancelled, connections)

    @contextmanager
    def _deriving(
        self, errand: Errand, image: str, cancelled: Event, connections: list[socket]
    ) -> Iterator[tuple[str, str, str]]:
        """A container in which `image` was made what the errand wants, `image`, and the word at `MARK`. Nothing of the
        errand is there."""
        mark = token_hex(16)
        files = {MARK: File(mark.encode())}
        words = Errand(
            errand.job, errand.derive, files, "/", image=errand.image, python=errand.python, limits=errand.limits
        )
        with self._removing(self._create(words, image, cancelled)) as container:
            self._asked(errand, image)
            ran = self._converse(container, words, cancelled, connections)
            if ran.ended == "cancelled":
                raise Cancelled("cancelled while its image was made")
            if ran.exit != 0:
                why = ran.output.decode(errors="replace")[-2000:] or "; ".join(ran.refused)
                name = errand.image or self._image
                raise SandboxFault(f"{name} cannot be used: the setup failed ({ran.ended}, {ran.exit}): {why}")
            reach()
            self._engine().wait(container, timeout=API_SECONDS)
            yield container, image, mark

    @contextmanager
    def _removing(self, container: str) -> Iterator[str]:
        """Remove the container in the end, whatever happens."""
        try:
            yield container
        finally:
            # If the engine cannot do it now, its label lets `reap` do it later.
            with suppress(DockerException, RequestException, OSError):
                reach()
                self._engine().remove_container(container, v=True, force=True)

    def _create(self, errand: Errand, image: str, cancelled: Event) -> str:
        """Make the container; where its image was removed to make room, that is fetched again."""
        try:
            return self._make(errand, image)
        except ImageNotFound as error:
            name = errand.image or self._image
            if not self.images.restore(name, image, cancelled):
                raise SandboxFault(f"the image {name} was removed while it was in use ({image})") from error
            return self._make(errand, image)

    def _make(self, errand: Errand, image: str) -> str:
        engine, asked = self._engine(), self._asked(errand, image)
        labels = {**self._labels, "dgm.job": str(errand.job)}
        return make(engine, errand, image, self._pythons(errand), asked, labels, self._runtime, self._inodes)

    def _asked(self, errand: Errand, image: str) -> list[str]:
        """The volumes that the image asks for, none of which may be around what the errand is about."""
        if image not in self._volumes:
            self._volumes[image] = volumes(self._engine(), image)
        check_places(errand, errand.image or self._image, self._volumes[image])
        return self._volumes[image]

    def _pythons(self, errand: Errand) -> tuple[str, ...]:
        return errand.python or (self._python,)

    def _converse(
        self, container: str, errand: Errand, cancelled: Event, connections: list[socket], derived: bool = False
    ) -> Ran:
        """`derived`: whether the image of the container is the one that the errand derives."""
        engine, left = self._engine(), replace(errand, derive=()) if derived else errand
        places = {"home": HOME, "door": DOOR if errand.door is not None else ""}
        word = token_hex(16)
        payload = order(left, places, ENV, word)
        stream, watch = Stream(most_bytes(errand)), Watch(engine, container, errand, cancelled)
        attached = engine.attach_socket(container, {"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1})
        try:
            connection = getattr(attached, "_sock", attached)
            if type(connection) is socket:
                connections.append(connection)
            start = monotonic()
            if not cancelled.is_set():
                engine.start(container)
            until = start + errand.limits.seconds * stages(left) + GRACE
            in_time = not cancelled.is_set() and converse(connection, payload, until, stream.add, watch.look)
            seconds = monotonic() - start
        finally:
            getattr(attached, "_response", attached).close()
        if watch.full:
            return broken("exited", f"wrote more than the {errand.limits.disk_mb} MB allowed", seconds)
        reply = Reply(bytes(stream.out), word)
        if cancelled.is_set() or stream.full:
            return reply.ran(errand, seconds, cancelled.is_set())
        if not in_time:
            if not reply.begun:
                raise SandboxFault(
                    f"the errand was not started within {seconds:.0f} s: the engine hangs, or the machine is too busy"
                )
            return broken("timeout", "no report in time", seconds)
        if reply.done:
            ran = reply.ran(errand, seconds, cancelled=False)
            # What the kernel ended for memory looks like any other kill, and a shell adds 128 to the signal.
            killed = ran.exit in (-9, 137) and self._state(container)["OOMKilled"]
            return replace(ran, ended="memory", exit=None) if killed else ran
        return self._unreported(container, reply, bytes(stream.err), errand, seconds)

    def _unreported(self, container: str, reply: Reply, complaint: bytes, errand: Errand, seconds: float) -> Ran:
        """What to make of a container that ended without a full report: whose fault was it?"""
        reach()
        self._engine().wait(container, timeout=API_SECONDS)
        state = self._state(container)
        if not reply.begun:
            reason = reply.fault() or complaint.decode(errors="replace").strip()[:500] or state.get("Error")
            reason = reason or "it ran out of memory" * state["OOMKilled"]
            # Without a Python 3, an image is of no use however often it is tried.
            kind = Unavailable if NO_PYTHON in str(reason) else SandboxFault
            raise kind(f"the errand could not be started in {errand.image or self._image}: {reason}")
        if state["OOMKilled"]:
            return broken("memory", "no report: out of memory", seconds)
        if self._interrupted(container, seconds):
            raise SandboxFault(f"the container of job {errand.job} was ended from outside, or the engine restarted")
        return reply.ran(errand, seconds, cancelled=False)

    def _state(self, container: str) -> dict[str, Any]:
        state: dict[str, Any] = self._engine().inspect_container(container)["State"]
        return state

    def _interrupted(self, container: str, seconds: float) -> bool:
        """Whether somebody other than the code in it ended the container, as far as the engine remembers: an order to
        kill it, or, after a restart, no memory of its start."""
        now = int(time())
        events = self._engine().events(
            since=now - int(seconds) - 5, until=now + 1, filters={"container": container}, decode=True
        )
        actions = {event.get("Action") for event in events}
        return "kill" in actions or "start" not in actions

    def cancel(self, job: JobId | None = None) -> None:
        self._running.cancel(job)

    def reap(self) -> int:
        with faults("looking for left containers"):
            engine = self._engine()
            found = engine.containers(all=True, filters={"label": f"dgm.run={self._labels['dgm.run']}"})
            left = [one["Id"] for one in found if one["Labels"].get("dgm.driver") != self._labels["dgm.driver"]]
            for container in left:
                with suppress(NotFound):
                    engine.remove_container(container, v=True, force=True)
        return len(left)
