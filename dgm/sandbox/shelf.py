"""The disk that images take: what was pulled or derived, what it holds, and what goes when there is no room.

Invariant: only images that dgm itself has pulled or derived, that can be had again and that nobody uses are ever
removed.
"""

import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from hashlib import sha256
from os import utime
from pathlib import Path
from threading import Condition, Event

from docker import APIClient
from docker.errors import APIError, NotFound
from docker.utils import parse_repository_tag
from msgspec import Struct

from dgm.cache import cache_folder, keep
from dgm.durable import make_folder
from dgm.protocols import Cancelled, SandboxFault
from dgm.sandbox.derived import LABEL, NAMED, Derived, found
from dgm.sandbox.engine import address, holds, inspected
from dgm.store import load

GB = 1_000_000_000
GUESS = GB
"""What an image is taken to need as long as none is known: an engine cannot tell before it pulls."""


class Pin(Struct, frozen=True):
    """What is known about the image `name`: the id of its content, and what it can be fetched as, if anything."""

    name: str
    id: str
    digest: str = ""
    """`repository@sha256:...`"""
    layers: Mapping[str, int] = {}
    """Bytes by layer. A layer's key stands for it and all below, so equal keys are stored once."""
    ours: bool = False
    """Whether dgm has pulled or derived it, and may remove it."""
    base: str = ""
    """The id of the image that it was derived from."""


class Shelf:
    """Thread-safe. `images_gb`: what the images that dgm has pulled or derived may take. `free_gb`: what stays free
    on the disk of the engine. `say` is told what is removed."""

    def __init__(
        self, engine: Callable[[], APIClient], images_gb: float, free_gb: float, say: Callable[[str], None]
    ) -> None:
        self._engine, self._most, self._least, self._say = engine, images_gb * GB, free_gb * GB, say
        self._changed = Condition()
        """Guards what follows, and is told when an image is no longer used or on its way."""
        self._used: Counter[str] = Counter()
        self._coming = 0
        self._root: Path | None = None

    # ------------------------------------------------------------ pins

    def pin(self, name: str) -> Pin | None:
        """What an earlier `keep` has found out about `name`."""
        found = load(self._path(name), Pin)
        return found if found is not None and found.name == name else None

    def keep(self, name: str, id: str, ours: bool) -> Pin:
        """Pin `name` to the content `id`, which is here."""
        digests = inspected(self._engine(), id).get("RepoDigests") or [""]
        repository = parse_repository_tag(name)[0]
        own = [one for one in digests if one.partition("@")[0].endswith(repository)]
        pin = Pin(name, id, (own or digests)[0], layers(self._engine(), id), ours)
        keep(self._path(name), pin)
        return pin

    def _path(self, name: str) -> Path:
        # Each engine has images of its own.
        kind = "used" if NAMED.fullmatch(name) else "json"
        return cache_folder() / "images" / f"{sha256(f'{address()} {name}'.encode()).hexdigest()[:32]}.{kind}"

    def _mark(self, name: str) -> None:
        """Remember that the image is used now. What was derived tells all else by itself."""
        path = self._path(name)
        if path.suffix == ".used":
            make_folder(path.parent, 0o700)
            path.touch(0o600)
        else:
            utime(path)

    def _age(self, pin: Pin) -> int:
        """When it was used last: 0 for what others have derived."""
        try:
            return self._path(pin.name).stat().st_mtime_ns
        except FileNotFoundError:
            return 0

    @contextmanager
    def using(self, name: str, id: str) -> Iterator[None]:
        """Keep the image where it is for so long. It need not be here yet."""
        with self._changed:
            self._used[id] += 1
        try:
            # What was never pinned is never removed either; and a cache that cannot be written only knows less of ages.
            with suppress(OSError):
                self._mark(name)
            yield
        finally:
            with self._changed:
                self._used[id] -= 1
                self._changed.notify_all()

    def taken(self) -> tuple[int, int | None]:
        """Bytes of all that dgm has pulled or derived and is here, and free ones on the engine's disk, where known."""
        return together(self._ours()), self._free()

    def derived(self, key: str) -> Derived | None:
        """An image of this key that is here."""
        listed = found(self._engine().images(filters={"label": LABEL}))
        return min((one for one in listed if one.key == key), key=lambda one: one.name, default=None)

    # ------------------------------------------------------------ room

    def clear(self, need: int) -> bool:
        """Make room for `need` bytes without waiting for anything; False if there is none."""
        with self._changed:
            while self._over(need):
                if not self._remove_one():
                    return False
        return True

    def _over(self, need: int) -> bool:
        free = self._free()
        full = free is not None and free - self._coming - need < self._least
        return full or together(self._ours()) + need > self._most

    @contextmanager
    def room(self, name: str, known: Pin | None, cancelled: Event) -> Iterator[None]:
        """Make room for a pull of `name`, waiting for images in use where that may help, and set it aside for so long.

        Raises `SandboxFault`, `Cancelled`.
        """
        with self._changed:
            while complaint := self._short(name, known):
                if not self._remove_one():
                    if not self._coming and not any(self._used[pin.id] for pin in self._ours()):
                        raise SandboxFault(complaint)
                    if cancelled.is_set():
                        raise Cancelled(f"waiting for room for the image {name} was cancelled")
                    self._changed.wait(0.5)
            need = self._need(known) or self._guess()
            self._coming += need
        try:
            yield
        finally:
            with self._changed:
                self._coming -= need
                self._changed.notify_all()

    def watch(self, name: str) -> None:
        """Keep the disk from filling while something is on its way. Raises `SandboxFault`."""
        with self._changed:
            while (free := self._free()) is not None and free < self._least:
                if not self._remove_one():
                    raise SandboxFault(self._too_full(name, free))

    def settle(self, pin: Pin) -> None:
        """Now that its size is known, remove others for it. Raises `SandboxFault` if it is too large by itself."""
        if size(pin) > self._most:
            self._engine().remove_image(pin.name)
            raise SandboxFault(
                f"the image {pin.name} takes {size(pin) / GB:.2f} GB, and sandbox.images_gb allows "
                f"{self._most / GB:g}: raise it"
            )
        with self.using(pin.name, pin.id), self._changed:
            while together(self._ours()) > self._most and self._remove_one():
                pass

    def _need(self, known: Pin | None) -> int:
        """Bytes that a pull will add, as far as that is known."""
        here = self._ours()
        return together([*here, known]) - together(here) if known else 0

    def _guess(self) -> int:
        sizes = [size(pin) for pin in self._pins()]
        return sum(sizes) // len(sizes) if sizes else GUESS

    def _short(self, name: str, known: Pin | None) -> str:
        """What stands against a pull. A guess counts against the disk alone: `settle` will know better."""
        free, taken, need = self._free(), together(self._ours()), self._need(known)
        if free is not None and free - self._coming - (need or self._guess()) < self._least:
            return self._too_full(name, free)
        if taken + need > self._most:
            return (
                f"no room for the image {name}: those that dgm has pulled or derived take {taken / GB:.1f} GB, and "
                f"sandbox.images_gb allows {self._most / GB:g}. Raise it"
            )
        return ""

    def _too_full(self, name: str, free: int) -> str:
        return (
            f"no room for the image {name}: {free / GB:.1f} GB are free on the engine's disk, of which sandbox.free_gb "
            f"keeps {self._least / GB:g}, and no image is left that dgm may remove. Make room, or lower it"
        )

    def _remove_one(self) -> bool:
        """Remove the image that was not used for the longest time; False if there is none that may be removed."""
        ours = self._ours()
        below = {pin.base for pin in ours}
        for pin in ours:
            # What others were derived from stays on the disk for as long as they do. And the name may have come to mean
            # something else, which is none of ours.
            if self._used[pin.id] or pin.id in below or holds(self._engine(), pin.name) != pin.id:
                continue
            try:
                # What it was derived from is not ours to remove, even if nobody has given it a name.
                self._engine().remove_image(pin.name, noprune=bool(pin.base))
                # podman keeps the name that it was pulled by beside its own.
                with suppress(NotFound):
                    if pin.digest:
                        self._engine().remove_image(pin.digest)
            except NotFound:
                continue
            except APIError as error:
                if error.status_code != 409:
                    raise
                continue  # Somebody's container uses it.
            again = "made" if pin.base else "fetched"
            self._say(f"image {pin.name}: removed to make room; it is {again} again when it is needed")
            return True
        return False

    def _ours(self) -> list[Pin]:
        """What dgm has pulled or derived and is still here, the longest unused first."""
        listed = self._engine().images()
        here = {digest for one in listed for digest in one["RepoDigests"] or ()}
        # One that somebody else has given a name of their own stays when ours is taken from it, and is theirs then.
        pulled = [pin for pin in self._pins() if pin.ours and pin.digest in here]
        derived = [Pin(one.name, one.id, "", {one.name: one.size}, True, one.base) for one in found(listed)]
        return sorted([*pulled, *derived], key=self._age)

    def _pins(self) -> list[Pin]:
        found = (load(path, Pin) for path in (cache_folder() / "images").glob("*.json"))
        return [pin for pin in found if pin is not None and self._path(pin.name).exists()]

    def _free(self) -> int | None:
        """Free bytes on the engine's disk; None where that is another machine's."""
        if self._root is None:
            root = self._engine().info().get("DockerRootDir") if address().startswith("unix://") else None
            self._root = Path(root or "/nonexistent")
        return shutil.disk_usage(self._root).free if self._root.is_dir() else None


def layers(engine: APIClient, id: str) -> dict[str, int]:
    """Bytes by layer of an image, told by its history: that of a shared base is the same, and so are its keys."""
    found, key = {}, ""
    for layer in reversed(engine.history(id)):  # type: ignore[no-untyped-call]
        made = (key, layer.get("Created"), layer.get("CreatedBy"), layer.get("Size"))
        key = sha256(repr(made).encode()).hexdigest()[:16]
        if layer.get("Size"):
            found[key] = int(layer["Size"])
    return found


def size(pin: Pin) -> int:
    return sum(pin.layers.values())


def together(pins: Iterable[Pin]) -> int:
    """Bytes that `pins` take in all, layers that they share counted once."""
    found: dict[str, int] = {}
    for pin in pins:
        found.update(pin.layers)
    return sum(found.values())
