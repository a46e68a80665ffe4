"""How commands end."""

from pathlib import Path

import pytest

from dgm.benchmarks import BadBenchmark
from dgm.cli.closing import advice
from dgm.cli.failing import guarded
from dgm.config import ConfigError
from dgm.durable import ArchiveBusy, NotWritten
from dgm.files import BadFiles
from dgm.flight import End
from dgm.log import Damaged
from dgm.protocols import SandboxFault
from dgm.tree import Tree


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ConfigError("so"), 2),
        (BadBenchmark("so"), 2),
        (Damaged("so"), 4),
        (SandboxFault("so"), 5),
        (ArchiveBusy("so"), 1),
        (NotWritten("so", OSError(28, "no space left on device")), 1),
        (BadFiles("so"), 1),
        (PermissionError(13, "Permission denied", "so"), 1),
    ],
)
def test_what_can_be_foreseen_is_one_line(error: Exception, code: int, capsys: pytest.CaptureFixture[str]) -> None:
    @guarded
    def command() -> None:
        raise error

    with pytest.raises(SystemExit) as end:
        command()
    assert end.value.code == code
    said = capsys.readouterr().err
    assert said.startswith("dgm: so")
    assert len(said.splitlines()) == 1


def test_what_cannot_keeps_its_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    @guarded
    def command() -> None:
        raise RuntimeError("nobody thought of it \x1b[2J")

    with pytest.raises(SystemExit) as end:
        command()
    assert end.value.code == 1
    said = capsys.readouterr().err
    assert "Traceback" in said
    assert "nobody thought of it \\x1b[2J" in said
    assert "error in dgm itself" in said.splitlines()[-1]


def test_an_interrupt_is_no_error(capsys: pytest.CaptureFixture[str]) -> None:
    @guarded
    def command() -> None:
        raise KeyboardInterrupt

    with pytest.raises(SystemExit) as end:
        command()
    assert end.value.code == 130


@pytest.mark.parametrize(
    ("code", "word"), [(0, "Finished"), (1, "Stopped"), (3, "spending cap"), (130, "same command")]
)
def test_every_end_says_what_to_do_next(code: int, word: str) -> None:
    lines = advice(Tree(), Path("archive/run"), End(code, "so it is"))
    assert word in lines[0]
    assert "so it is" in lines[0]
    assert not any("diff best" in line for line in lines), "there is nothing that the best agent has changed"
