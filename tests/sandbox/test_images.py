"""Real pulls from a real registry: what stays, what is fetched again, what is removed, and what is refused."""

import os
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event, Timer

import pytest

from dgm.config import SandboxConfig
from dgm.protocols import Cancelled, Errand, SandboxFault
from dgm.sandbox import Unavailable, transfer
from dgm.sandbox.docker import DockerSandbox
from dgm.sandbox.engine import connect
from dgm.sandbox.shelf import layers
from tests.sandbox.registry import BASE, Registry, recipe, remove, running

pytestmark = pytest.mark.docker
Open = Callable[..., DockerSandbox]


@pytest.fixture
def registry() -> Iterator[Registry]:
    with running() as found:
        yield found


@pytest.fixture
def docker() -> Iterator[Open]:
    opened: list[DockerSandbox] = []

    def make(**settings: float) -> DockerSandbox:
        opened.append(DockerSandbox("images", SandboxConfig(image=BASE, **settings)))  # type: ignore[arg-type]
        return opened[-1]

    yield make
    for one in opened:
        one.close()


def content(sandbox: DockerSandbox, image: str, job: int = 1) -> bytes:
    return sandbox.run(Errand(job, ("head", "-c", "5", "/content"), image=image)).output


def get(sandbox: DockerSandbox, *images: str) -> None:
    for image in images:
        sandbox.fetch(image, None, Event())


def two_of(registry: Registry) -> float:
    """GB for the base and two of the images on top of it, of a million bytes each."""
    return (sum(layers(registry.engine, BASE).values()) + 2_500_000) / 1e9


def filled(word: bytes) -> bytes:
    return word + os.urandom(1_000_000)


def test_what_is_here_is_never_asked_for(registry: Registry, docker: Open) -> None:
    name = registry.push("a:1", b"first")
    sandbox = docker()
    with pytest.raises(SandboxFault, match="not here"):
        sandbox.identity(name)
    get(sandbox, name)
    registry.stop()
    for again in (sandbox, docker()):
        get(again, name)
        assert content(again, name) == b"first"
        assert again.identity(name) == sandbox.identity(name)


def test_errands_go_on_though_the_cache_cannot_be_written(docker: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    sandbox = docker()
    get(sandbox, BASE)
    monkeypatch.setenv("DGM_CACHE", "/dev/null/no-folder")
    assert sandbox.run(Errand(1, ("echo", "here"))).output == b"here\n"


def test_a_name_keeps_its_content_though_the_tag_has_moved(registry: Registry, docker: Open) -> None:
    name = registry.push("a:1", b"first")
    get(docker(), name)
    before = docker().identity(name)
    remove(registry.engine, name)
    registry.push("a:1", b"other")
    later = docker()
    assert later.identity(name) == before, "known without asking anybody"
    assert content(later, name) == b"first"
    assert registry.engine.inspect_image(name)["Id"] == before


def test_a_name_that_means_something_else_now_is_told_apart(registry: Registry, docker: Open) -> None:
    name = registry.push("a:1", b"first")
    get(docker(), name)
    before = docker().identity(name)
    remove(registry.engine, name)
    registry.engine.tag(BASE, *name.rsplit(":", 1))
    assert docker().identity(name) == registry.engine.inspect_image(BASE)["Id"] != before


def test_the_longest_unused_goes_and_comes_back(registry: Registry, docker: Open) -> None:
    a, b, c = (registry.push(f"{name}:1", filled(name.encode() * 5)) for name in "abc")
    sandbox = docker(images_gb=two_of(registry))
    get(sandbox, a, b)
    assert content(sandbox, a) == b"aaaaa"
    get(sandbox, c)
    assert registry.names() == ["a:1", "c:1"]
    assert content(sandbox, b) == b"bbbbb"
    assert registry.names() == ["b:1", "c:1"]
    assert content(docker(images_gb=two_of(registry)), a) == b"aaaaa"
    assert registry.engine.inspect_image(BASE)
    with pytest.raises(SandboxFault, match=r"takes .* sandbox\.images_gb allows"):
        get(docker(images_gb=two_of(registry) / 2), registry.push("d:1", b"d"))
    assert not registry.names()


def test_what_others_pulled_or_use_is_never_removed(registry: Registry, docker: Open) -> None:
    a, b, c = (registry.push(f"{name}:1", filled(name.encode())) for name in "abc")
    [*registry.engine.pull(a, stream=True, decode=True)]
    sandbox = docker(images_gb=two_of(registry))
    get(sandbox, a, b)
    held = registry.engine.create_container(b, ["true"])
    try:
        get(docker(images_gb=1), c)
        sandbox.images._shelf.settle(sandbox.images._shelf.pin(c))  # type: ignore[arg-type]
        assert registry.names() == ["a:1", "b:1", "c:1"]
        with pytest.raises(SandboxFault, match=r"sandbox\.images_gb allows"):
            get(docker(images_gb=two_of(registry) / 2), registry.push("d:1", filled(b"d")))
        assert registry.names() == ["a:1", "b:1"], "what is held stays, though there is no room"
    finally:
        registry.engine.remove_container(held)


def test_many_that_need_the_same_image_fetch_it_once(registry: Registry, docker: Open) -> None:
    name = registry.push("a:1", filled(b"aaaaa"))
    get(docker(), name)
    remove(registry.engine, name)
    sandbox, said = docker(), []
    sandbox.images.say = said.append
    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(lambda job: content(sandbox, name, job), range(4))) == {b"aaaaa"}
    assert len([line for line in said if "pulling" in line]) == 1


def test_a_registry_that_is_down_is_no_verdict_on_the_image(
    registry: Registry, docker: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transfer, "TRIES", 2)
    name = registry.push("a:1", b"first")
    registry.stop()
    sandbox, said = docker(), []
    sandbox.images.say = said.append
    with pytest.raises(SandboxFault, match=r"cannot be pulled.*`docker load`") as caught:
        get(sandbox, name)
    assert not isinstance(caught.value, Unavailable)
    assert any("trying again" in line for line in said)


def test_an_image_without_a_python_is_of_no_use(docker: Open) -> None:
    with pytest.raises(Unavailable, match=r"no Python 3 .* \(/nowhere/python\): .* Add it to the image"):
        docker().run(Errand(job=0, command=("true",), image=BASE, python=("/nowhere/python",)))


def test_the_missing_image_of_a_task_is_no_matter_of_the_settings(docker: Open) -> None:
    with pytest.raises(SandboxFault, match="no/such:1 is not here: `dgm prepare`") as caught:
        docker().identity("no/such:1")
    assert "sandbox.image" not in str(caught.value)


def test_an_image_that_nobody_has_is_not_available(registry: Registry, docker: Open) -> None:
    with pytest.raises(Unavailable, match="Is the name right"):
        get(docker(), f"{registry.address}/none:1")


def test_a_content_that_differs_is_refused(registry: Registry, docker: Open, cache_of_its_own: Path) -> None:
    name = registry.push("a:1", b"first")
    get(docker(), name)
    remove(registry.engine, name)
    (pin,) = (cache_of_its_own / "images").iterdir()
    told = pin.read_text()
    pin.write_text(told.replace(docker().identity(name), "sha256:" + "0" * 64))
    with pytest.raises(SandboxFault, match="when it was prepared"):
        content(docker(), name)
    pin.write_text(told[:-20])
    with pytest.raises(SandboxFault, match="not here"):
        docker().identity(name)


def test_the_disk_is_never_filled(registry: Registry, docker: Open) -> None:
    name = registry.push("a:1", b"first")
    sandbox = docker(free_gb=1e6)
    with pytest.raises(SandboxFault, match=r"sandbox\.free_gb"):
        get(sandbox, name)
    assert not registry.names()
    with pytest.raises(SandboxFault, match=r"sandbox\.free_gb"):
        sandbox.images._shelf.watch(name)


def test_a_pull_is_cancelled_at_once(docker: Open) -> None:
    cancelled = Event()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        name = f"127.0.0.1:{silent.getsockname()[1]}/a:1"
        timer = Timer(0.5, cancelled.set)
        timer.start()
        with pytest.raises(Cancelled):
            docker().fetch(name, None, cancelled)
        timer.join()


def test_an_errand_is_cancelled_while_its_image_is_fetched(registry: Registry, docker: Open) -> None:
    name = registry.push("a:1", b"first")
    get(docker(), name)
    remove(registry.engine, name)
    registry.stop()
    sandbox = docker()
    waiting = threading.Event()
    sandbox.images.say = lambda text: waiting.set() if "trying again" in text else None
    with ThreadPoolExecutor(1) as pool:
        ran = pool.submit(sandbox.run, Errand(7, ("true",), image=name))
        assert waiting.wait(60)
        sandbox.cancel(7)
        assert ran.result(30).ended == "cancelled"


def test_a_recipe_is_built_once_and_again_when_it_changes(tmp_path: Path, docker: Open) -> None:
    name, sandbox = "dgm-test-recipe:1", docker()
    try:
        first = sandbox.fetch(name, recipe(tmp_path / "made", b"first" + os.urandom(9)), Event())
        assert content(sandbox, name) == b"first"
        assert docker().fetch(name, tmp_path / "made", Event()) == first
        assert docker().fetch(name, recipe(tmp_path / "made", b"other"), Event()) != first
        assert content(docker(), name) == b"other"
        bad = recipe(tmp_path / "bad", b"", "RUN echo nothing to see && false\n")
        said: list[str] = []
        sandbox.images.say = said.append
        for _ in range(3):
            with pytest.raises(Unavailable, match=r"sandbox\.build_args(?s:.*)nothing to see"):
                sandbox.fetch("dgm-test-recipe:2", bad, Event())
        assert sum("building" in text for text in said) == 1, "what cannot be built was built again"
    finally:
        engine = connect()
        remove(engine, name)
        engine.close()
