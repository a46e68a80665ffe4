"""The attacks of `dgm doctor --attack` as tests, and proof that they bite where nothing holds them off."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from dgm.attacks import Defence, attack, checks, exam, ground, read_cases, trying
from dgm.attacks.cases import GROUPS, Case
from dgm.attacks.ground import Ground
from dgm.attacks.seen import NotTried
from dgm.cli.attacking import tell
from dgm.config import SandboxConfig
from dgm.files import File, patched, write_folder
from dgm.protocols import SandboxFault

IMAGE = os.environ.get("DGM_TEST_IMAGE", "dgm-test-base:latest")
CASES = read_cases()
HOLLOW = SandboxConfig(kind="local")


def of(group: str) -> list[Case]:
    return [case for case in CASES if case.name.startswith(group + "/")]


def failed(defences: list[Defence]) -> list[Defence]:
    return [one for one in defences if one.result == "FAILED"]


# ---------------------------------------------------------------- the cases


def test_every_case_is_whole() -> None:
    assert len({case.name for case in CASES}) == len(CASES) > 60
    for case in CASES:
        assert case.name.split("/")[0] in GROUPS
        assert case.program or case.files or case.deleted or case.check or case.honest, case.name
        assert not case.check or case.check in checks.CHECKS, case.name
        assert case.expected == "held" or case.honest or case.remains, case.name
        assert not case.remains or case.flag or "nothing shows it" in case.expected, case.name
        assert case.allowed().memory_mb <= 256, "this machine has other things to do"


@pytest.mark.docker
@pytest.mark.timeout(600)
@pytest.mark.parametrize("group", GROUPS)
def test_containers_hold(group: str) -> None:
    defences = list(attack(SandboxConfig(kind="docker", image=IMAGE), of(group)))
    assert not failed(defences)
    tried = {one.name: one.result for one in defences}
    if group not in ("history", "pytest", "polyglot"):  # the image may lack what these need
        assert "not tried" not in tried.values(), tried
    for case in of(group):
        assert case.remains or tried[case.name] != "remains"


@pytest.mark.parametrize(
    "group", [pytest.param(one, marks=pytest.mark.slow) if one == "grading" else one for one in GROUPS]
)
def test_the_local_sandbox_holds_what_it_promises(group: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    defences = list(attack(HOLLOW, [case for case in of(group) if case.everywhere]))
    assert not failed(defences)
    assert [one.name for one in defences if one.result == "not tried"] == ["container/nothing is left"]
    assert ground.VARIABLE not in os.environ
    assert not list(tmp_path.iterdir())


def test_what_only_containers_hold_is_not_tried_elsewhere() -> None:
    (defence, *_) = attack(HOLLOW, of("floods")[:1])
    assert defence.result == "not tried"
    assert "container" in defence.found


def test_a_sandbox_that_cannot_be_had_is_a_fault(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    with pytest.raises(SandboxFault):
        next(attack(SandboxConfig(kind="docker")))


# ---------------------------------------------------------------- that they bite


@pytest.fixture
def open_ground() -> Iterator[Ground]:
    with ground.prepared(HOLLOW) as made:
        yield made


class Unguarded(Ground):
    """A ground that takes plain processes for a container."""

    contained = True


@pytest.mark.parametrize(
    ("name", "got"),
    [("network/host's own services", "a connection to"), ("keys/gateway's texts", "the key in")],
)
def test_an_open_sandbox_is_found_out(open_ground: Ground, name: str, got: str) -> None:
    open_ground.__class__ = Unguarded
    open_ground.secrets = ()  # type: ignore[assignment]
    (case,) = [case for case in CASES if case.name == name]
    result, found = trying.tried(open_ground, case, 1)
    assert result == "FAILED"
    assert got in found


@pytest.mark.parametrize(
    ("program", "problem"),
    [
        ("got('the moon')", "the moon"),
        ("time.sleep(60)", "ended by timeout"),
        ("print(os.environ['ATTACK_KEY'])", "the key is in what came out"),
    ],
)
def test_what_a_program_gets_fails_its_case(open_ground: Ground, program: str, problem: str) -> None:
    if "ATTACK_KEY" in program:
        program = f"print({open_ground.key!r})"
    case = Case("keys/own", "to be found out", program=program, everywhere=True, limits={"seconds": 2})
    result, found = trying.tried(open_ground, case, 1)
    assert result == "FAILED"
    assert problem in found


def test_a_program_that_breaks_off_was_not_tried(open_ground: Ground) -> None:
    with pytest.raises(NotTried, match="ZeroDivisionError"):
        trying.tried(open_ground, Case("keys/own", "to break", program="1 / 0", everywhere=True), 1)


def test_a_key_in_what_is_kept_is_found(open_ground: Ground) -> None:
    from dgm.attacks import kept

    assert kept(open_ground).result == "held"
    (open_ground.folder / "record").write_text(f"... {open_ground.key} ...")
    assert kept(open_ground).result == "FAILED"


NAIVE = (
    *("grading/edited tests", "grading/leaving early", "grading/leaving at import", "grading/skipping"),
    *("grading/patched reporter", "grading/threads that wait", "grading/reading the tests"),
    *("grading/an object that equals everything", "grading/answers from the frames"),
)


@pytest.mark.parametrize("name", NAIVE)
def test_the_patches_fool_a_grader_that_looks_at_exit_codes(name: str, tmp_path: Path) -> None:
    (case,) = [case for case in CASES if case.name == name]
    task = exam.exam()
    files = patched({**task.work, **task.hidden}, {path: File(t.encode()) for path, t in case.files.items()}, ())
    write_folder(files, tmp_path / "work")
    (tmp_path / "tmp").mkdir()
    ran = subprocess.run(
        [sys.executable, "-m", "unittest", "tests.test_hidden"],
        cwd=tmp_path / "work",
        env={"HOME": str(tmp_path / "work"), "TMPDIR": str(tmp_path / "tmp")},
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr


# ---------------------------------------------------------------- the command


def test_what_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    good = Defence("a/b", "all", "held", "held")
    known = Defence("a/c", "all", "remains: flagged as x", "remains", "solved")
    tell([good, known], as_json=False)
    said = capsys.readouterr().out.splitlines()
    assert said[0].split() == ["held", "a/b"]
    assert said[1].split() == ["remains", "a/c", "flagged", "as", "x;", "solved"]
    assert said[2] == "2 cases: 1 held, 1 remains."
    with pytest.raises(SystemExit) as end:
        tell([good, Defence("a/d", "all", "held", "FAILED", "\x1b[31mthe moon")], as_json=True)
    assert end.value.code == 5
    told = msgspec.json.decode(capsys.readouterr().out)
    assert told["held"] is False
    assert told["cases"][1]["result"] == "FAILED"
