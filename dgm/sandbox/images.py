"""The images of a machine: fetched and built by `dgm prepare`, pinned to their content, and what errands make of them.

Invariant: a name that was pinned is fetched as the very content that it was pinned to, or not at all; what is here is
never asked for over a network.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from threading import Event, Lock

from docker import APIClient
from docker.errors import DockerException
from docker.utils import parse_repository_tag
from requests.exceptions import RequestException

from dgm.config import SandboxConfig
from dgm.files import digest, read_folder
from dgm.protocols import Cancelled, SandboxFault
from dgm.sandbox import Unavailable
from dgm.sandbox.derived import Derived, commit, marked, written
from dgm.sandbox.engine import holds, inspected
from dgm.sandbox.shelf import Pin, Shelf, size
from dgm.sandbox.transfer import build, pull

RECIPE = "dgm.recipe"
"""The label of a built image: a digest of what it was built from."""


class Images:
    """Thread-safe. `engine` gives a client of the engine; set `say` to be told what takes long, for people."""

    def __init__(self, engine: Callable[[], APIClient], settings: SandboxConfig) -> None:
        self.say: Callable[[str], None] = lambda text: None
        self._engine, self._settings = engine, settings
        self._shelf = Shelf(engine, settings.images_gb, settings.free_gb, lambda text: self.say(text))
        self._orders: defaultdict[str, Lock] = defaultdict(Lock)
        self._failed: dict[tuple[str, str], str] = {}
        """Image and recipe to why it could not be built, so that no other task asks for the same again."""
        self._derived: dict[str, Derived | None] = {}
        """By key: what was found or made, or None where it cannot be kept."""

    def pinned(self, name: str) -> str | None:
        """The content that `name` can be fetched as, whether it is here or not."""
        pin = self._shelf.pin(name)
        return pin.id if pin is not None and pin.digest else None

    def taken(self) -> tuple[int, int | None]:
        """As `Shelf.taken`."""
        return self._shelf.taken()

    def using(self, name: str, id: str) -> AbstractContextManager[None]:
        """Keep the image where it is for so long. It need not be here yet."""
        return self._shelf.using(name, id)

    def get(self, name: str, recipe: Path | None, cancelled: Event) -> str:
        """Make `name` be here, and return the id of its content. What is here stays as it is, unless it was built from
        another recipe; else it is built from the folder `recipe`, or pulled. What is pinned and can be fetched again is
        left to `restore`.

        Raises `Unavailable` if it cannot be had, `SandboxFault` if that may be otherwise tomorrow, `Cancelled`.
        """
        with self._alone(name, cancelled):
            found = self._here(name, recipe)
            if found is None and recipe is None:
                return self.pinned(name) or self._pull(name, cancelled)
            found = found or self._build(name, Path(recipe or ""), cancelled)
            pin = self._shelf.pin(name)
            if pin is None or pin.id != found:
                self._shelf.keep(name, found, ours=False)
            return found

    def restore(self, name: str, id: str, cancelled: Event) -> bool:
        """Fetch the content `id` of `name` again; False if it was not pinned to that. Raises as `get` does."""
        if self.pinned(name) != id:
            return False
        with self._alone(name, cancelled):
            if holds(self._engine(), id) is None:
                self._pull(name, cancelled)
        return True

    def derived(
        self, key: str, making: Callable[[], AbstractContextManager[tuple[str, str, str]]], cancelled: Event
    ) -> Derived | None:
        """The image of this key. Where it is not here, it is made of the container that `making` gives with the id of
        the image below it and the word that stands at `MARK` in it. None: it cannot be kept, for want of room or
        because the engine refuses or sees nothing of it, and is not tried again. Raises `Cancelled`, and what `making`
        raises.
        """
        if key not in self._derived:
            with self._alone(key, cancelled):
                if key not in self._derived:
                    self._derived[key] = self._shelf.derived(key) or self._derive(key, making)
        return self._derived[key]

    def forget(self, key: str) -> None:
        """What `derived` gave is not here any more."""
        self._derived.pop(key, None)

    def _derive(self, key: str, making: Callable[[], AbstractContextManager[tuple[str, str, str]]]) -> Derived | None:
        with making() as (container, base, mark):
            try:
                if not marked(self._engine(), container, mark):
                    self.say(f"an image made of {base} is not kept: the runtime hides from the engine what it writes")
                    return None
                size = written(self._engine(), container)
                if not self._shelf.clear(size):
                    self.say(f"an image made of {base} is not kept: there is no room for it")
                    return None
                return commit(self._engine(), container, key, base, size)
            except (DockerException, RequestException) as error:
                self.say(f"an image made of {base} cannot be kept: {getattr(error, 'explanation', None) or error}")
                return None

    @contextmanager
    def _alone(self, name: str, cancelled: Event) -> Iterator[None]:
        """One order at a time for each image; others wait for it."""
        lock = self._orders[name]
        while not lock.acquire(timeout=0.5):
            if cancelled.is_set():
                raise Cancelled(f"waiting for the image {name} was cancelled")
        try:
            yield
        finally:
            lock.release()

    def _here(self, name: str, recipe: Path | None) -> str | None:
        """The image that has the name, unless it was built from another recipe."""
        found = holds(self._engine(), name)
        if found is None or recipe is None:
            return found
        made_from = (inspected(self._engine(), found)["Config"].get("Labels") or {}).get(RECIPE)
        return found if made_from in (None, digest(read_folder(recipe))) else None

    def _build(self, name: str, recipe: Path, cancelled: Event) -> str:
        made_from = digest(read_folder(recipe))
        if why := self._failed.get((name, made_from)):
            raise Unavailable(why)
        self.say(f"image {name}: building it from {recipe}")
        args, network = self._settings.build_args, self._settings.build_network
        try:
            build(name, recipe, {RECIPE: made_from}, args, network, self._look(name), cancelled)
        except Unavailable as error:
            self._failed[name, made_from] = str(error)
            raise
        found = holds(self._engine(), name)
        if found is None:
            raise Unavailable(f"the image {name} is not there though {recipe} was built without an error")
        self.say(f"image {name}: built")
        return found

    def _pull(self, name: str, cancelled: Event) -> str:
        known = self._shelf.pin(name)
        source = known.digest if known and known.digest else name
        with self._shelf.room(name, known, cancelled):
            self.say(f"image {name}: pulling it")
            pull(source, self._look(name), cancelled)
            found = holds(self._engine(), source)
            if found is None:
                raise SandboxFault(f"the image {source} is not there though it was pulled without an error")
            check_content(known, found)
            repository, tag = parse_repository_tag(name)
            if source != name and holds(self._engine(), name) is None:
                self._engine().tag(found, repository, tag or "latest")
            pin = self._shelf.keep(name, found, ours=True)
        self._shelf.settle(pin)
        self.say(f"image {name}: here, {size(pin) / 1e6:,.0f} MB")
        return found

    def _look(self, name: str) -> Callable[[str], None]:
        def look(text: str) -> None:
            if text:
                self.say(f"image {name}: {text}")
            self._shelf.watch(name)

        return look


def check_content(known: Pin | None, found: str) -> None:
    """Raises `SandboxFault` if what was fetched is not what the name was pinned to."""
    if known is not None and known.digest and found != known.id:
        raise SandboxFault(
            f"{known.digest} was {known.id} when it was prepared, and is {found} now: another engine or platform? "
            f"To go on with what it is now, `docker pull {known.name}` and prepare again"
        )
