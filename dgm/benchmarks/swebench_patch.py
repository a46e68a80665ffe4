"""What of a patch enters the grading of a SWE-bench task, decided on the host.

Invariant: nothing that steers how tests are found, run or reported comes from a patch: such files stay as they are in
the image, and of those that hold other settings too, the steering parts do. What is left out or put back is named.
"""

import configparser
import re
import sys
import tomllib
from collections.abc import Callable, Iterable, Mapping
from pathlib import PurePosixPath
from typing import Any

from msgspec import Struct

from dgm.benchmarks.grading import STEERING, TESTS, matches
from dgm.files import File, Files, checked, without_litter
from dgm.protocols import Patch

MIXED = ("setup.cfg", "pyproject.toml")
"""Files that steer tests among other things."""
PROTECTED = (
    *(name for name in STEERING if name not in MIXED),
    *[".pytest.ini", "pytest.toml", ".pytest.toml", "tox.toml", "sitecustomize.*", "usercustomize.*"],
    *["sitecustomize/*", "*/sitecustomize/*", "usercustomize/*", "*/usercustomize/*", "__tests__/*", "*/__tests__/*"],
    *[
        "testing/*",
        "spec/*",
        "*.test.*",
        "*.spec.*",
        "*_spec.rb",
        "*_test.go",
        "*Test.java",
        "*Tests.java",
        "*Test.php",
    ],
    *["bin/test", "django/test/runner.py", "sympy/testing/*", "sympy/utilities/runtests.py"],
)
"""Beyond `TESTS`: what no reference changes, since SWE-bench counts every path with `test` in it as tests, and what
runs the tests of some projects."""
INSTALLING = ("setup.py", "setup.cfg", "pyproject.toml")
"""Names of files whose code is run when the evaluation script installs the project."""
LIBRARIES = (
    *("pytest", "_pytest", "pluggy", "py", "iniconfig", "packaging", "xdist", "tox", "virtualenv", "pip", "attr"),
    *("setuptools", "wheel", "pkg_resources", "coverage", "hypothesis", "exceptiongroup", "pygments"),
)
SHADOWED = frozenset({name + end for name in (*sys.stdlib_module_names, *LIBRARIES) for end in ("", ".py")})
"""Names that no new file or folder at the top of a repository may have: it would be imported instead."""
STEERED = re.compile(r"(tool:)?pytest|tox(:.*)?|testenv(:.*)?|options\.entry_points")
TABLES = ("pytest", "tox")


class Filtered(Struct, frozen=True):
    """A patch as far as it may enter. `mixed`: files of it that have to be compared with the image's first."""

    changed: Files
    deleted: tuple[str, ...]
    mixed: Files
    flags: tuple[str, ...]


def filtered(patch: Patch, protected: Iterable[str]) -> Filtered:
    """Raises `BadFiles`. `protected`: paths that are the benchmark's, beyond those that are protected by name."""
    own, flags = frozenset(protected), list[str]()
    changed, mixed, deleted = dict[str, File](), dict[str, File](), list[str]()
    for path, file in checked(without_litter(patch.changed)).items():
        if is_protected(path, own):
            flags.append(f"touched:{path}")
        elif PurePosixPath(path).name in MIXED:
            mixed[path] = file
        elif b"\0" in file.data[:8000]:
            flags.append(f"binary:{path}")
        else:
            changed[path] = file
    for path in checked(dict.fromkeys(patch.deleted, File(b""))):
        if is_protected(path, own) or PurePosixPath(path).name in MIXED:
            flags.append(f"touched:{path}")
        else:
            deleted.append(path)
    flags += [f"runs-at-install:{path}" for path in (*changed, *mixed) if PurePosixPath(path).name in INSTALLING]
    return Filtered(changed, tuple(deleted), mixed, tuple(flags))


def is_protected(path: str, own: frozenset[str]) -> bool:
    return path in own or matches(path, TESTS) or matches(path, PROTECTED)


def steered_back(path: str, new: File, old: File | None) -> File | None:
    """`new` with the parts that steer tests as `old`, the image's file, has them; None where that is in any doubt."""
    parse, split = (read_toml, split_toml) if path.endswith(".toml") else (read_ini, split_ini)
    try:
        before, after = (old.data if old else b"").decode(), new.data.decode()
        if "\r" in after.replace("\r\n", "") or "\0" in after or after.count("pytest11") != before.count("pytest11"):
            return None
        wanted, _ = parse(before)
        steering, rest = parse(after)
        if steering == wanted:
            return new
        text = split(after, False).rstrip("\n") + "\n\n" + split(before, True)
        return File(text.encode(), new.executable) if parse(text) == (wanted, rest) else None
    except (ValueError, configparser.Error, RecursionError):
        return None


Parts = tuple[Mapping[str, Any], Mapping[str, Any]]


def read_ini(text: str) -> Parts:
    """The sections that steer tests, and the others. Raises `ValueError`, `configparser.Error` in any doubt."""
    if re.search(r"^([^\S\n]+\[|\[[^\]\n]*\][^\S\n]*\S|\[\s|\[[^\]\n]*\s\])", text, re.MULTILINE):
        raise ValueError("a header that not everybody reads alike")
    parser = configparser.RawConfigParser(strict=True, default_section="")
    parser.read_string(text)
    sections = {name: dict(parser.items(name)) for name in parser.sections()}
    return parted(sections, lambda name: STEERED.fullmatch(name) is not None)


def read_toml(text: str) -> Parts:
    document = tomllib.loads(text)
    tools = document.pop("tool", {})
    if not isinstance(tools, dict):
        raise ValueError("`tool` is no table")
    steering, others = parted(tools, lambda name: name in TABLES)
    return steering, {**document, "tool": others}


def parted(whole: Mapping[str, Any], belongs: Callable[[str], bool]) -> Parts:
    return {k: v for k, v in whole.items() if belongs(k)}, {k: v for k, v in whole.items() if not belongs(k)}


def split_ini(text: str, steering: bool) -> str:
    """The sections of `text` that steer tests, or all else."""
    return split(text, steering, re.compile(r"^\[([^\]]+)\]"), lambda name: STEERED.fullmatch(name) is not None)


def split_toml(text: str, steering: bool) -> str:
    header = re.compile(r"^\[\[?\s*([^\]]+?)\s*\]")
    return split(text, steering, header, lambda name: name.startswith(tuple(f"tool.{table}" for table in TABLES)))


def split(text: str, steering: bool, header: re.Pattern[str], belongs: Callable[[str], bool]) -> str:
    kept, inside = [], False
    for line in text.splitlines(keepends=True):
        if found := header.match(line):
            inside = belongs(found[1])
        if inside == steering:
            kept.append(line)
    return "".join(kept)
