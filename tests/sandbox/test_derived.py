"""Images that errands derive, in a real engine: made once, found again, replaced, removed, and never anything else."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from time import monotonic, sleep
from typing import Any

import pytest
from docker import APIClient
from docker.errors import APIError
from msgspec.structs import replace

from dgm.config import SandboxConfig
from dgm.files import File
from dgm.llm.canned import CannedModel
from dgm.protocols import Errand, Limits, SandboxFault
from dgm.sandbox.derived import LABEL, MARK, Derived, found, key_of
from dgm.sandbox.docker import DockerSandbox
from dgm.sandbox.engine import connect
from dgm.sandbox.local import LocalSandbox
from tests.door import door
from tests.sandbox.registry import BASE, Registry, forget_derived, recipe, remove, running

Open = Callable[..., DockerSandbox]
RUNTIME = os.environ.get("DGM_TEST_RUNTIME", "")
TOKEN = "mkdir -p /opt; head -c 9 /dev/urandom | base64 > /opt/token"
"""What is made anew each time, so that it shows how often."""


@pytest.fixture
def engine() -> Iterator[APIClient]:
    opened = connect()
    yield opened
    opened.close()


@pytest.fixture
def base(engine: APIClient, tmp_path: Path) -> Iterator[str]:
    """An image of this test's own, with some of what images may ask for."""
    name = f"dgm-test-derive:{os.getpid()}"
    more = 'ENV GIVEN="by the image"\nVOLUME /data\nENTRYPOINT ["/bin/false"]\nCMD ["-x"]\nUSER 1000\nWORKDIR /opt\n'
    said = [*engine.build(path=str(recipe(tmp_path / "base", os.urandom(16), more)), tag=name, rm=True, decode=True)]
    assert not [one for one in said if "error" in one], said
    id = engine.inspect_image(name)["Id"]
    yield name
    forget_derived(engine, id)
    remove(engine, name)


@pytest.fixture
def docker(base: str) -> Iterator[Open]:
    opened: list[DockerSandbox] = []

    def make(**settings: float) -> DockerSandbox:
        config = SandboxConfig(image=BASE, runtime=RUNTIME, **settings)  # type: ignore[arg-type]
        opened.append(DockerSandbox("derived", config))
        return opened[-1]

    yield make
    for one in opened:
        one.close()


def errand(base: str, script: str = "cat /opt/token", derive: str = TOKEN, **more: Any) -> Errand:
    return Errand(1, ("/bin/sh", "-c", script), image=base, derive=("/bin/sh", "-c", derive), **more)


def told(sandbox: DockerSandbox, one: Errand) -> str:
    ran = sandbox.run(one)
    assert ran.exit == 0, ran
    return ran.output.decode()


def here(engine: APIClient, base: str) -> list[Derived]:
    id = engine.inspect_image(base)["Id"]
    return [one for one in found(engine.images()) if one.base == id]


def containers(engine: APIClient) -> list[Any]:
    listed: list[Any] = engine.containers(all=True, filters={"label": "dgm.run=derived"})
    return listed


# ---------------------------------------------------------------- what is made


@pytest.mark.docker
def test_it_is_made_once_and_found_again(docker: Open, base: str, engine: APIClient) -> None:
    sandbox = docker()
    first = told(sandbox, errand(base))
    assert told(sandbox, errand(base, "cat /opt/token; echo x > /opt/token")) == first
    assert told(docker(), errand(base)) == first, "another driver finds it"
    assert len(here(engine, base)) == 1
    assert sandbox.identity(base) == engine.inspect_image(base)["Id"]
    assert not containers(engine)


@pytest.mark.docker
def test_other_words_or_another_content_make_another_one(
    docker: Open, base: str, engine: APIClient, tmp_path: Path
) -> None:
    sandbox = docker()
    tokens = {told(sandbox, errand(base)), told(sandbox, errand(base, derive=f"{TOKEN}; true"))}
    tokens.add(told(sandbox, errand(base, python=("/usr/bin/python3",))))
    old = engine.inspect_image(base)["Id"]
    [*engine.build(path=str(recipe(tmp_path / "new", b"new")), tag=base, rm=True, decode=True)]
    try:
        tokens.add(told(docker(), errand(base)))
        assert len(tokens) == 4
        assert told(sandbox, errand(base)) in tokens, "to a sandbox that is open, the name means what it meant"
    finally:
        forget_derived(engine, old)
        remove(engine, old)


@pytest.mark.docker
def test_nothing_of_an_errand_is_in_it(docker: Open, base: str, engine: APIClient) -> None:
    look = (
        'env > /opt/env; id -u > /opt/id; grep CapEff /proc/self/status >> /opt/id; find "$HOME" /tmp / -maxdepth 1 '
        "> /opt/found; pwd > /opt/pwd; touch /data/lost /tmp/lost"
    )
    script = 'cd /opt; cat env found pwd id; echo "MINE $GIVEN $MINE"; ls /data /tmp/lost 2>&1; id -u'
    with door(CannedModel()) as (path, _):
        one = errand(base, script, look, files={"secret": File(b"secret")}, env={"MINE": "secret"}, door=path.parent)
        output = told(docker(), one)
    made, mine = output.split("MINE ")
    assert "GIVEN=by the image" in made
    assert not {"secret", "door"} & set(made.replace("/", " ").replace("=", " ").split())
    assert "\n/\n0\nCapEff:\t00000000000000fb\n" in made
    assert mine.startswith("by the image secret\n")
    assert mine.endswith("\n0\n"), "who derives is root"
    assert "cannot access '/tmp/lost'" in mine
    (only,) = here(engine, base)
    config, below = (engine.inspect_image(name)["Config"] for name in (only.name, base))
    assert config["Env"] == below["Env"]
    assert config["Volumes"] == below["Volumes"]
    assert config["Labels"]["dgm.run"] == "", (
        "nothing that looks for a run's containers finds one that others made of it"
    )


@pytest.mark.docker
def test_what_it_changed_does_not_count(docker: Open, base: str) -> None:
    fill = f"{TOKEN}; echo old > /opt/given; head -c 30000000 /dev/zero > /opt/much"
    script = "echo 1 > /opt/mine; rm /opt/given; head -c 30000000 /dev/zero > /opt/more; rm /opt/more; sleep 3"
    setup = ("/bin/sh", "-c", "cat /opt/token > /opt/set; cat {home}/in >> /opt/set")
    limits = Limits(seconds=60, disk_mb=50)
    one = errand(base, script, fill, take=("/opt",), setup=setup, files={"in": File(b"file")}, limits=limits)
    ran = docker().run(one)
    assert (ran.ended, ran.exit, set(ran.changed), ran.deleted) == ("exited", 0, {"/opt/mine"}, ("/opt/given",)), ran


@pytest.mark.docker
def test_one_that_fails_is_a_fault_and_leaves_nothing(docker: Open, base: str, engine: APIClient) -> None:
    sandbox = docker()
    for script, why in (("echo no luck; exit 3", "exited, 3.: no luck"), ("sleep 60", "timeout, None")):
        with pytest.raises(SandboxFault, match=f"the setup failed .{why}"):
            sandbox.run(errand(base, derive=script, limits=Limits(seconds=1)))
    full = errand(base, derive="head -c 30000000 /dev/zero > /opt/f; sleep 9", limits=Limits(seconds=60, disk_mb=20))
    with pytest.raises(SandboxFault, match="more than the 20 MB"):
        sandbox.run(full)
    with pytest.raises(SandboxFault, match="makes a volume around /data/x"):
        sandbox.run(errand(base, cwd="/data/x"))
    assert not here(engine, base)
    assert not containers(engine)


def test_where_there_are_no_images_there_is_nothing_to_derive(tmp_path: Path) -> None:
    with pytest.raises(SandboxFault, match="lives in a Docker image"):
        LocalSandbox("derived", folder=tmp_path).run(Errand(1, ("true",), derive=("true",)))


# ---------------------------------------------------------------- many at once, and the end of some


@pytest.mark.docker
def test_many_at_once_make_it_once(docker: Open, base: str, engine: APIClient) -> None:
    sandbox = docker()
    with ThreadPoolExecutor(6) as pool:
        tokens = set(pool.map(lambda _: told(sandbox, errand(base, derive=f"{TOKEN}; sleep 1")), range(6)))
    assert len(tokens) == len(here(engine, base)) == 1


@pytest.mark.docker
def test_drivers_that_do_not_know_of_each_other_agree_in_the_end(docker: Open, base: str, engine: APIClient) -> None:
    sandboxes = [docker() for _ in range(3)]
    with ThreadPoolExecutor(3) as pool:
        tokens = set(pool.map(lambda one: told(one, errand(base, derive=f"{TOKEN}; sleep 1")), sandboxes))
    again = {told(docker(), errand(base, derive=f"{TOKEN}; sleep 1")) for _ in range(2)}
    assert len(again) == 1
    assert again <= tokens
    assert len(here(engine, base)) == len(tokens)


@pytest.mark.docker
def test_cancelled_while_it_is_made(docker: Open, base: str, engine: APIClient) -> None:
    sandbox = docker()
    slow = errand(base, derive=f"{TOKEN}; [ -e /opt/quick ] || sleep 3")
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(sandbox.run, replace(slow, job=1))
        until = monotonic() + 60
        while not containers(engine) and monotonic() < until:
            sleep(0.05)
        second = pool.submit(sandbox.run, replace(slow, job=2))
        sandbox.cancel(1)
        assert first.result(60).ended == "cancelled"
        assert second.result(60).exit == 0
    assert len(here(engine, base)) == 1


@pytest.mark.docker
def test_a_driver_that_is_killed_leaves_nothing_half_made(docker: Open, base: str, engine: APIClient) -> None:
    driver = (
        "from tests.sandbox.test_derived import *\nsandbox = DockerSandbox('derived', SandboxConfig(image=BASE))\n"
        f"sandbox.run(errand({base!r}, derive='echo > /opt/half; sleep 99'))"
    )
    killed = subprocess.Popen([sys.executable, "-c", driver], cwd=Path(__file__).parents[2])
    until = monotonic() + 60
    while not [one for one in containers(engine) if one["State"] == "running"] and monotonic() < until:
        sleep(0.05)
    killed.kill()
    killed.wait()
    assert docker().reap() == 1
    assert not containers(engine)
    assert not here(engine, base)


# ---------------------------------------------------------------- room


@pytest.mark.docker
def test_one_that_was_removed_is_made_again(docker: Open, base: str, engine: APIClient) -> None:
    sandbox = docker()
    first = told(sandbox, errand(base))
    engine.remove_image(here(engine, base)[0].name)
    second = told(sandbox, errand(base))
    assert second != first
    assert told(sandbox, errand(base)) == second


@pytest.mark.docker
def test_without_room_it_is_made_in_each_container(docker: Open, base: str, engine: APIClient) -> None:
    for settings in ({"images_gb": 1e-9}, {"free_gb": 1e6}):
        sandbox, said = docker(**settings), []
        sandbox.images.say = said.append
        one = errand(base, "echo $(cat /opt/token /opt/env)", f"{TOKEN}; echo end > /opt/env", take=("/opt",))
        tokens = {told(sandbox, one) for _ in range(3)}
        assert len(tokens) == 3
        assert all(token.endswith(" end\n") for token in tokens)
        assert not sandbox.run(one).changed
        assert len([line for line in said if "no room" in line]) == 1
    assert not here(engine, base)


@pytest.mark.docker
def test_an_engine_that_makes_no_images(
    docker: Open, base: str, engine: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise APIError("not here")

    monkeypatch.setattr(APIClient, "commit", refuse)
    sandbox, said = docker(), []
    sandbox.images.say = said.append
    assert len({told(sandbox, errand(base)) for _ in range(3)}) == 3
    assert len(said) == 1
    assert not here(engine, base)


@pytest.mark.docker
def test_a_runtime_that_hides_from_the_engine_what_is_written(docker: Open, base: str, engine: APIClient) -> None:
    """As gVisor's overlay does: an image made of such a container would be the one below, with all its history."""
    sandbox, said = docker(), []
    sandbox.images.say = said.append
    hidden = errand(base, derive=f"{TOKEN}; rm -f {MARK}")
    assert len({told(sandbox, hidden) for _ in range(3)}) == 3
    assert len(said) == 1
    assert "hides from the engine" in said[0]
    told(docker(), errand(base, derive=f"{TOKEN}; echo other > {MARK}"))
    assert not here(engine, base)
    assert not containers(engine)


@pytest.mark.docker
def test_the_longest_unused_goes(docker: Open, base: str, engine: APIClient) -> None:
    sandbox = docker(images_gb=0.0025)
    words = [f"{TOKEN}; head -c 1000000 /dev/urandom > /opt/{name}" for name in "abc"]
    tokens = [told(sandbox, errand(base, derive=one)) for one in words[:2]]
    assert told(sandbox, errand(base, derive=words[0])) == tokens[0]
    tokens.append(told(sandbox, errand(base, derive=words[2])))
    keys = [key_of(sandbox.identity(base), errand(base, derive=one).derive, ("python3",)) for one in words]
    assert {one.key for one in here(engine, base)} == {keys[0], keys[2]}
    assert told(sandbox, errand(base, derive=words[1])) not in tokens
    assert {one.key for one in here(engine, base)} == {keys[1], keys[2]}
    assert sandbox.images.taken()[0] >= 2_000_000


@pytest.fixture
def registry() -> Iterator[Registry]:
    with running() as started:
        yield started


@pytest.mark.docker
def test_what_was_derived_goes_before_what_it_was_derived_from(docker: Open, registry: Registry) -> None:
    name, other = (registry.push(f"{one}:1", os.urandom(2_000_000)) for one in "ab")
    first = docker()
    first.fetch(name, None, Event())
    token, id = told(first, errand(name)), first.identity(name)
    (derived,) = here(registry.engine, name)
    shelf = docker(images_gb=1e-6).images._shelf
    with shelf.using("", derived.id):
        assert not shelf.clear(10_000)
        assert registry.names() == ["a:1"], "it is used, and so is what is below it"
    assert not shelf.clear(10_000)
    assert not registry.names()
    assert not [one for one in found(registry.engine.images()) if one.base == id]
    try:
        assert told(first, errand(name)) != token, "both are had again"
        assert here(registry.engine, name)
        assert other
    finally:
        forget_derived(registry.engine, id)


# ---------------------------------------------------------------- what it is not


@pytest.mark.docker
def test_images_of_the_users_are_left_alone(docker: Open, base: str, engine: APIClient, tmp_path: Path) -> None:
    told(docker(), errand(base))
    (derived,) = here(engine, base)
    top, alias = f"dgm-test-theirs:{os.getpid()}", f"dgm-test-alias:{os.getpid()}"
    folder = recipe(tmp_path / "theirs", b"x")
    (folder / "Dockerfile").write_text(f"FROM {derived.name}\nCOPY content /opt/content\n")
    [*engine.build(path=str(folder), tag=top, rm=True, decode=True)]
    engine.tag(BASE, *f"dgm-derived:{'0' * 32}-00000000".split(":"))
    engine.tag(derived.name, *alias.split(":"))
    try:
        assert engine.inspect_image(top)["Config"]["Labels"][LABEL], "labels are inherited"
        assert here(engine, base) == [derived]
        assert not docker(images_gb=1e-9).images._shelf.clear(100)
        assert not here(engine, base)
        for name in (top, alias, base, f"dgm-derived:{'0' * 32}-00000000"):
            assert engine.inspect_image(name)["Id"], name
    finally:
        for name in (top, alias, f"dgm-derived:{'0' * 32}-00000000"):
            remove(engine, name)


def test_name_and_label_have_to_agree() -> None:
    key = "a" * 32
    good = {"Id": "i", "RepoTags": [f"dgm-derived:{key}-00000000", "mine:1"], "Labels": {LABEL: f"{key} sha256:b 12"}}
    assert [*found([good])] == [Derived(f"dgm-derived:{key}-00000000", "i", key, "sha256:b", 12)]
    for change in (
        {"RepoTags": [f"dgm-derived:{'b' * 32}-00000000"]},
        {"RepoTags": ["mine:1"]},
        {"RepoTags": None},
        {"Labels": None},
        {"Labels": {LABEL: key}},
        {"Labels": {LABEL: f"{key} b many"}},
    ):
        assert not [*found([{**good, **change}])]


def test_keys_do_not_run_together() -> None:
    keys = [key_of("a", ("b", "c"), ("d",)), key_of("a", ("b",), ("c", "d")), key_of("a", ("bc",), ("d",))]
    keys += [key_of("ab", ("c",), ("d",)), key_of("a", ("b", "c"), ())]
    assert len(set(keys)) == len(keys)
