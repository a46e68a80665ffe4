"""Exercises in the layout of Exercism tracks, as the Aider Polyglot benchmark collects them, as a benchmark.

Below the collection's folder stands `<language>/exercises/practice/<exercise>/`, and in its `.meta/config.json` which
files are the stub, the tests and the example solution.

Invariant: an agent is shown the instructions and the stub; tests (unless asked for), examples, `.meta` and
`.approaches` are never among its files. A further language is one more row in `LANGUAGES`.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

from dgm.benchmarks.grading import Check, Exam
from dgm.benchmarks.held import GRADING, BadBenchmark, HeldBenchmark, Item, check_tests, read_settings, read_tree
from dgm.files import File, Files
from dgm.protocols import Limits, Task

DOCS = (".docs/introduction.md", ".docs/instructions.md", ".docs/instructions.append.md")


class Language(Struct, frozen=True):
    """How exercises of one language are graded."""

    check: Check
    image: str | None = None
    lift: tuple[tuple[str, str], ...] = ()
    """Regular expressions and their replacements that turn skipped tests on."""


LANGUAGES: Mapping[str, Language] = {"python": Language(Check(seconds=60.0))}


class PolyglotSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """`benchmark.toml` of an exercise collection."""

    path: str = "."
    """The collection's folder, relative to this file."""
    kind: Literal["polyglot"] = "polyglot"
    name: str = "polyglot"
    description: str = ""
    languages: tuple[str, ...] = ("python",)
    tests_visible: bool = False
    """Show the tests to the agent. Published results differ in this; a score only compares with its like."""
    image: str | None = None
    seconds: float | None = None


class Roles(Struct, frozen=True):
    """Which file is what."""

    solution: tuple[str, ...]
    test: tuple[str, ...]
    example: tuple[str, ...] = ()


class Meta(Struct, frozen=True):
    """The part of `.meta/config.json` that matters here."""

    files: Roles


class PolyglotBenchmark(HeldBenchmark):
    """The exercises that the `benchmark.toml` in `folder` names. Raises `BadBenchmark`."""

    def __init__(self, folder: Path, limits: Limits = GRADING) -> None:
        settings = read_settings(folder / "benchmark.toml", PolyglotSettings)
        super().__init__(settings.name, read_items(folder / settings.path, settings), limits)


def read_items(folder: Path, settings: PolyglotSettings) -> Iterator[Item]:
    for name in settings.languages:
        if name not in LANGUAGES:
            raise BadBenchmark(f"the language {name!r} is not supported; supported are: {', '.join(LANGUAGES)}")
        places = sorted(path.parent.parent for path in folder.glob(f"{name}/exercises/practice/*/.meta/config.json"))
        if not places:
            raise BadBenchmark(
                f"{folder / name / 'exercises' / 'practice'} holds no exercises; get the collection with "
                f"git clone https://github.com/Aider-AI/polyglot-benchmark {folder}"
            )
        for place in places:
            yield read_exercise(place, name, settings)


def read_exercise(place: Path, name: str, settings: PolyglotSettings) -> Item:
    """One exercise. Raises `BadBenchmark`."""
    language, files, roles = LANGUAGES[name], read_tree(place), read_roles(place)
    if missing := {*roles.solution, *roles.test, *roles.example} - files.keys():
        raise BadBenchmark(f"{place / min(missing)} is missing, though .meta/config.json names it")
    tests = {path: lifted(files[path], language) for path in roles.test}
    shown = {path: file for path, file in files.items() if not path.startswith(".") and path not in roles.test}
    exam = Exam(
        work={**shown, **tests} if settings.tests_visible else shown,
        hidden=tests,
        check=language.check,
        protected=roles.test,
        image=settings.image or language.image,
    )
    check_tests(exam, place)
    task = Task(
        id=f"{settings.name}/{name}-{place.name}",
        statement=statement(files, roles),
        files=exam.work,
        image=exam.image,
        seconds=settings.seconds,
    )
    paired = len(roles.solution) == len(roles.example)
    solution = {path: files[of] for path, of in zip(roles.solution, roles.example, strict=True)} if paired else None
    return Item(task, exam, solution)


def read_roles(place: Path) -> Roles:
    path = place / ".meta" / "config.json"
    try:
        return msgspec.json.decode(path.read_bytes(), type=Meta).files
    except msgspec.MsgspecError as error:
        raise BadBenchmark(f"{path} does not say which files are solution and test: {error}") from error


def statement(files: Files, roles: Roles) -> str:
    docs = [files[path].data.decode(errors="replace").strip() for path in DOCS if path in files]
    return "\n\n".join([*docs, f"Write your solution into: {', '.join(roles.solution)}"]) + "\n"


def lifted(file: File, language: Language) -> File:
    text = file.data.decode(errors="replace") if language.lift else ""
    for pattern, replacement in language.lift:
        text = re.sub(pattern, replacement, text)
    return File(text.encode(), file.executable) if language.lift else file
