"""What the user is told to type next.

Invariant: it can be pasted as it is: it begins as the last command did, and keeps the file and the options given to it.
"""

import os
import shlex
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path


def program() -> list[str]:
    """What the user has to type to run this program."""
    here = Path(sys.argv[0])
    if here.name != "dgm":
        return ["python", "-m", "dgm"]
    found = shutil.which("dgm")
    return ["dgm"] if found is not None and Path(found).resolve() == here.resolve() else [os.path.relpath(here)]


def typed(*words: str, sets: Iterable[str] = ()) -> str:
    """The command `words` of this program with the settings `sets`, for a shell."""
    return shlex.join([*program(), *words, *(word for one in sets for word in ("--set", one))])


def looking(archive: Path | None, *words: str) -> str:
    """The command `words` on the archive that was named, if one was."""
    return typed(*words, *(["--archive", str(archive)] if archive else []))


def prepare_again(name: str | None, path: Path | None, overrides: Iterable[str], parts: Iterable[str] = ()) -> str:
    """`prepare` for what was named, or the `parts` of it, under the same settings."""
    given = [*([name] if name else []), *(["--config", str(path)] if path else []), *parts]
    return typed("prepare", *given, sets=overrides)


def run_next(name: str | None, path: Path | None, overrides: Iterable[str]) -> str:
    """`run` on what was prepared, under the same settings."""
    benchmark = [f"run.benchmark={name}"] if name else []
    return typed("run", *([str(path)] if path else []), sets=[*benchmark, *overrides])
