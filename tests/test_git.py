"""Whatever a source holds, the repository gives back the same bytes or refuses; and real git agrees with it."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dgm.files import BadFiles, File, Files, digest
from dgm.git import NOTES, Repository
from dgm.log import Damaged

HOSTILE: list[Files] = [
    {},
    {"empty": File(b""), "bytes.bin": File(bytes(range(256)) * 40)},
    {"run.sh": File(b"#!/bin/sh\n", executable=True), "lib/run.sh": File(b"#!/bin/sh\n")},
    {"dos.txt": File(b"a\r\nb\r\n"), "id.txt": File(b"$Id$ $Format:%H$"), ".gitattributes": File(b"* text ident\n")},
    {".gitattributes": File(b"secret export-ignore\n* filter=evil diff=evil merge=evil\n"), "secret": File(b"here")},
    {".gitignore": File(b"*\n"), "deep/.gitignore": File(b"*\n"), "deep/er/kept.py": File(b"1")},
    {"sub/.gitattributes": File(b"* export-subst working-tree-encoding=UTF-16\n"), "sub/a": File(b"$Format:%an$")},
    {
        "naïve/日本語/ünï.py": File(b"1"),
        "with space ~ and 'quotes\"": File(b"2"),
        "-dash": File(b"3"),
        "a:b": File(b""),
    },
    {"a": File(b"1"), "a.b/c": File(b"2"), "a-b": File(b"3"), "a0": File(b"4"), "b/x": File(b""), "b.x": File(b"")},
    {".mailmap": File(b"<a@b> <dgm@localhost>\n"), ".git-blame-ignore-revs": File(b"x"), ".gitx/config": File(b"")},
    {"hooks/post-checkout": File(b"#!/bin/sh\ntouch /tmp/owned\n", True), "config": File(b"[core]\nfsmonitor=x")},
]

REFUSED: list[Files] = [
    {".git/config": File(b"[core]\nfsmonitor = x\n")},
    {"sub/.GIT/HEAD": File(b"")},
    {"git~1": File(b"")},
    {"../up": File(b"")},
    {"/etc/x": File(b"")},
    {"a": File(b""), "a/b": File(b"")},
    {".gitmodules": File(b'[submodule "x"]\n\turl = -u./payload\n')},
    {"sub/.GitModules": File(b"\xff")},
    {"GITMOD~1": File(b"[")},
    {".gitattributes": File(b"x " * 5_000)},
    {".gitattributes/x": File(b"")},
    {"line\nfeed": File(b"")},
]


@pytest.fixture
def repository(tmp_path: Path) -> Iterator[Repository]:
    repository = Repository.create(tmp_path / "agents.git")
    yield repository
    repository.close()
    git("fsck", "--strict", "--full", cwd=repository.path)


def git(*command: str, cwd: Path) -> str:
    quiet = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull, "GIT_ADVICE": "0"}
    ran = subprocess.run(["git", *command], cwd=cwd, env=os.environ | quiet, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


@pytest.mark.parametrize("files", HOSTILE)
def test_hostile_sources_round_trip_and_fsck_is_happy(repository: Repository, files: Files) -> None:
    agent = repository.commit(files, (), "A seed", 1e9)
    repository.keep(agent)
    assert repository.files(agent) == files
    assert repository.digest(agent) == digest(files)


@pytest.mark.parametrize("files", REFUSED)
def test_what_cannot_be_stored_safely_is_refused(repository: Repository, files: Files) -> None:
    with pytest.raises(BadFiles):
        repository.commit(files, (), "A seed", 1e9)


@pytest.mark.parametrize("files", [files for files in HOSTILE if files])
def test_a_checkout_of_the_repository_itself_is_exact(tmp_path: Path, repository: Repository, files: Files) -> None:
    agent = repository.commit(files, (), "A seed", 1e9)
    git("worktree", "add", "--detach", str(tmp_path / "out"), agent, cwd=repository.path)
    assert {path: (tmp_path / "out" / path).read_bytes() for path in files} == {p: f.data for p, f in files.items()}


names = st.text(st.characters(categories=["L", "M", "N", "P", "S"]), min_size=1, max_size=8) | st.sampled_from(
    [".gitattributes", ".gitignore", ".gitmodules", ".git", "..", "git~1", "a.lock", "con", "aux.py", "a", "a.b", "a-b"]
)
trees = st.dictionaries(
    st.lists(names, min_size=1, max_size=3).map("/".join),
    st.builds(File, st.binary(max_size=40), st.booleans()),
    max_size=6,
)


@given(trees)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
def test_any_tree_round_trips_or_is_refused(repository: Repository, files: Files) -> None:
    try:
        agent = repository.commit(files, (), "A seed", 1e9)
    except BadFiles:
        return
    assert repository.files(agent) == files
    assert repository.digest(agent) == digest(files)


def test_plain_git_shows_lineage_tallies_and_the_best(tmp_path: Path, repository: Repository) -> None:
    seed = repository.commit({"main.py": File(b"1")}, (), "The seed", 1e9)
    child = repository.commit({"main.py": File(b"2")}, (seed,), "A child\n\nSaid: ünï", 1e9 + 1)
    assert child == repository.commit({"main.py": File(b"2")}, (seed,), "A child\n\nSaid: ünï", 1e9 + 1)
    for agent in (seed, child, child):
        repository.keep(agent)
    repository.point_head(seed)
    repository.point_head(child)
    notes = {seed: "solved 1 of 2\n", child: "solved 2 of 2\n"}
    repository.write_notes(notes, 1e9)
    repository.write_notes(notes, 2e9)
    assert repository.notes() == notes
    assert repository.parents(child) == (seed,)
    assert repository.kept() == {seed: seed, child: child}
    shown = git("log", "--graph", "--all", "--notes=dgm", cwd=repository.path)
    assert shown.index("A child") < shown.index("solved 2 of 2") < shown.index("The seed") < shown.index("1 of 2")
    git("clone", "-q", str(repository.path), str(tmp_path / "clone"), cwd=tmp_path)
    assert (tmp_path / "clone" / "main.py").read_bytes() == b"2"
    assert f"origin/agents/{seed}" in git("branch", "-r", cwd=tmp_path / "clone")
    git("clone", "-q", "--mirror", str(repository.path), str(tmp_path / "mirror"), cwd=tmp_path)
    copy = Repository(tmp_path / "mirror")
    assert (copy.kept(), copy.notes(), copy.files(child)) == (repository.kept(), notes, {"main.py": File(b"2")})
    copy.close()


def test_the_repository_can_be_packed_by_others_at_any_time(repository: Repository) -> None:
    agents = []
    for n in range(4):
        agents.append(repository.commit({"n": File(b"%d" % n), "same": File(b"s")}, tuple(agents[-1:]), "x", n))
        repository.keep(agents[-1])
        repository.write_notes(dict.fromkeys(agents, f"{n}"), n)
        git("gc", "-q", "--prune=now", cwd=repository.path)
        assert repository.notes() == dict.fromkeys(agents, f"{n}")
        assert repository.kept() == {agent: agent for agent in agents}
        assert repository.files(agents[0]) == {"n": File(b"0"), "same": File(b"s")}
        repository.keep(agents[0])


def test_a_branch_of_another_name_is_not_overwritten(repository: Repository) -> None:
    one, two = (repository.commit({"n": File(n)}, (), "x", 1) for n in (b"1", b"2"))
    repository.keep(one)
    git("update-ref", f"refs/heads/agents/{one}", two, cwd=repository.path)
    with pytest.raises(Damaged, match="should be"):
        repository.keep(one)
    assert repository.kept() == {one: two}


def test_what_a_killed_writer_left_is_swept(repository: Repository) -> None:
    agent = repository.commit({"n": File(b"1")}, (), "x", 1)
    stale = [
        "HEAD.lock",
        "refs/heads/best.lock",
        f"refs/heads/agents/{agent}.lock",
        "objects/tmp_obj_1",
        NOTES + ".lock",
    ]
    for name in stale:
        (repository.path / name).write_bytes(b"torn")
    with pytest.raises(FileExistsError):
        repository.keep(agent)
    assert repository.sweep_locks() == len(stale)
    repository.keep(agent)
    repository.point_head(agent)
    repository.write_notes({agent: "x"}, 1)
    assert repository.kept() == {agent: agent}


def test_creation_can_be_finished_after_a_crash(tmp_path: Path) -> None:
    Repository.create(tmp_path / "a.git").close()
    for name in ("HEAD", "config", "info/attributes"):
        (tmp_path / "a.git" / name).unlink()
        again = Repository.create(tmp_path / "a.git")
        again.keep(again.commit({"n": File(b"1")}, (), "x", 1))
        again.close()
        git("fsck", "--strict", cwd=tmp_path / "a.git")


@given(st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=100)
def test_a_changed_object_is_never_taken_for_a_source(repository: Repository, data: st.DataObject) -> None:
    files = {"main.py": File(b"print(1)\n" * 20), "lib/x.py": File(b"x = 1\n", True)}
    agent = repository.commit(files, (), "x", 1)
    objects = sorted(path for path in repository.path.glob("objects/??/*"))
    victim = data.draw(st.sampled_from(objects))
    whole = victim.read_bytes()
    torn = bytearray(whole)
    if data.draw(st.booleans()):
        torn[data.draw(st.integers(0, len(torn) - 1))] ^= data.draw(st.integers(1, 255))
    else:
        del torn[data.draw(st.integers(0, len(torn) - 1)) :]
    victim.chmod(0o644)
    victim.write_bytes(torn)
    with suppress(Damaged):
        assert repository.files(agent) == files
    victim.write_bytes(whole)


def test_a_missing_agent_is_named(repository: Repository) -> None:
    with pytest.raises(Damaged, match=f"no commit {'a' * 40}"):
        repository.files("a" * 40)
