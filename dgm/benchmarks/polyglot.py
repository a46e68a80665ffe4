"""Exercises in the layout of Exercism tracks, as the Aider Polyglot benchmark collects them, as a benchmark.

Below the collection's folder stands `<language>/exercises/practice/<exercise>/`, and in its `.meta/config.json` which
files are the stub, the tests and the example solution.

Invariant: an agent is shown the instructions and the stub; tests (unless asked for), examples, `.meta` and
`.approaches` are never among its files.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Literal

import msgspec
from msgspec import Struct

from dgm.benchmarks import languages, outcomes, reported
from dgm.benchmarks.collection import SOURCE, exercises, origin
from dgm.benchmarks.grading import Check, Exam, matches
from dgm.benchmarks.held import GRADING, Advice, BadBenchmark, HeldBenchmark, Item, check_tests, read_settings
from dgm.benchmarks.languages import LANGUAGES, Language, number_of_tests, without_skips
from dgm.files import File, Files, digest, read_folder
from dgm.jobs import JobId, TaskId
from dgm.protocols import Grade, Limits, Patch, Sandbox, Task
from dgm.shipped import home

DOCS = (".docs/introduction.md", ".docs/instructions.md", ".docs/instructions.append.md")
REFERENCE = ".meta/src/reference/java/"
PYTHON_SECONDS = 60.0


class PolyglotSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """`benchmark.toml` of an exercise collection."""

    path: str = "."
    """The collection: a clone's folder or an archive, relative to this file, or the URL of an archive."""
    sha256: str = ""
    """Of the archive; anything else is refused."""
    kind: Literal["polyglot"] = "polyglot"
    name: str = "polyglot"
    description: str = ""
    limits: Advice = Advice()
    """Recommended limits of attempts and grading."""
    languages: tuple[str, ...] = ()
    """Those to use; none named: all that the collection has."""
    tests_visible: bool = False
    """Show the tests to the agent. Published results differ in this; a score only compares with its like."""
    tries: int = 1
    """How often an agent may try a task; after the first it is shown what the tests printed."""
    image: str | None = None
    """One Docker image for all languages."""
    images: Mapping[str, str] = {}
    """Language to its Docker image, where it is not the one built from the recipe; "": the run's own default."""
    seconds: float | None = None
    """How long an agent may work on a task; the run's own limit if there is none."""


class Roles(Struct, frozen=True):
    """Which file is what."""

    solution: tuple[str, ...]
    test: tuple[str, ...]
    example: tuple[str, ...] = ()
    editor: tuple[str, ...] = ()
    """Given with the stub, and not to be changed."""


class Meta(Struct, frozen=True):
    """The part of `.meta/config.json` that matters here."""

    files: Roles


class PolyglotBenchmark(HeldBenchmark):
    """The exercises that the `benchmark.toml` in `folder` names. Raises `BadBenchmark`."""

    recipes: Mapping[str, Path]
    """The images that tasks need and that are built here: name to the folder of the Dockerfile."""
    source: str
    """Where the exercises come from; of an archive, with its SHA-256."""

    def __init__(self, folder: Path, limits: Limits = GRADING) -> None:
        settings = read_settings(folder / "benchmark.toml", PolyglotSettings)
        super().__init__(settings.name, read_items(folder, settings), limits)
        self.source = origin(folder, settings.path, settings.sha256)
        wanted = {item.exam.image for item in self.items.values()}
        self.recipes = {image: recipe for image, recipe in recipes().values() if image in wanted}

    def grade(self, id: TaskId, patch: Patch, sandbox: Sandbox, job: JobId) -> Grade:
        item = self.items[id]
        language = LANGUAGES[item.task.group]
        if language is None:
            return super().grade(id, patch, sandbox, job)
        return reported.grade(item.exam, language, item.task.workspace, patch, sandbox, job, self.limits)


def recipes() -> Mapping[str, tuple[str, Path]]:
    """Language to its image's name and recipe. The name changes with the recipe, so that it is built anew."""
    folders = {name: home("benchmarks") / "polyglot" / "images" / name for name in LANGUAGES}
    return {
        name: (f"dgm-polyglot-{name}:{digest(read_folder(folder))[:12]}", folder) for name, folder in folders.items()
    }


# ---------------------------------------------------------------- reading


def read_items(folder: Path, settings: PolyglotSettings) -> Iterator[Item]:
    for name in (*settings.languages, *settings.images):
        if name not in LANGUAGES:
            raise BadBenchmark(f"the language {name!r} is not supported; supported are: {', '.join(LANGUAGES)}")
    if settings.tries < 1:
        raise BadBenchmark(f"{folder / 'benchmark.toml'}: tries = {settings.tries}; it has to be 1 or more")
    held = exercises(folder, settings.path, settings.sha256)
    found = [name for name in LANGUAGES if any(language == name for language, _ in held)]
    images = {name: image for name, (image, _) in recipes().items()} | dict(settings.images)
    for name in settings.languages or found:
        if name not in found:
            raise BadBenchmark(
                f"{settings.path} holds no exercises in {name}; is it a clone or an archive of {SOURCE}?"
            )
        image = settings.image or images[name] or None
        for (language, exercise), files in held.items():
            if language == name:
                yield read_exercise(exercise, name, files, image, settings)


def read_exercise(exercise: str, name: str, files: Files, image: str | None, settings: PolyglotSettings) -> Item:
    """One exercise. Raises `BadBenchmark`."""
    language, roles, place = LANGUAGES[name], read_roles(files, f"{name}/{exercise}"), f"{name}/{exercise}"
    if missing := {*roles.solution, *roles.test, *roles.example, *roles.editor} - files.keys():
        raise BadBenchmark(f"{place}/{min(missing)} is missing, though .meta/config.json names it")
    hidden = {path: lifted(file, language) for path, file in files.items() if is_test(path, roles, language)}
    surplus = language.surplus if language else ()
    shown = {
        path: file
        for path, file in files.items()
        if not path.startswith(".") and path not in hidden and not matches(path, surplus)
    }
    exam = Exam(
        work={**shown, **hidden} if settings.tests_visible else shown,
        hidden=hidden,
        check=Check(seconds=language.seconds if language else PYTHON_SECONDS),
        protected=(*roles.test, *roles.editor),
        image=image,
    )
    if language is None:
        check_tests(exam, Path(place))
    task = Task(
        id=f"{settings.name}/{name}-{exercise}",
        statement=statement(files, roles, language),
        files=exam.work,
        image=image,
        workspace=exercise if language else "work",
        seconds=settings.seconds,
        tries=settings.tries,
        group=name,
    )
    return Item(task, exam, reference(files, roles), grader=grader(language))


def is_test(path: str, roles: Roles, language: Language | None) -> bool:
    return path in roles.test or (
        language is not None
        and not path.startswith(".")
        and matches(path, language.tests)
        and path not in roles.solution
    )


def lifted(file: File, language: Language | None) -> File:
    """`file` with all its tests turned on."""
    if language is None or not number_of_tests(file.text, language):
        return file
    return File(without_skips(file.text, language).encode(), file.executable)


def read_roles(files: Files, place: str) -> Roles:
    try:
        return msgspec.json.decode(files[".meta/config.json"].data, type=Meta).files
    except (KeyError, msgspec.MsgspecError) as error:
        raise BadBenchmark(f"{place}/.meta/config.json does not say which files are what: {error}") from error


def statement(files: Files, roles: Roles, language: Language | None) -> str:
    docs = [files[path].text.strip() for path in DOCS if path in files]
    hint = f"There is no network. {language.hint}" if language else ""
    return "\n\n".join([*docs, f"Write your solution into: {', '.join(roles.solution)}", hint]).strip() + "\n"


def reference(files: Files, roles: Roles) -> Files | None:
    """The example solution, each file where it belongs: in place of the stub of its kind, or else beside it."""
    if not roles.example:
        return None
    laid: dict[str, File] = {}
    for path in roles.example:
        if path.startswith(REFERENCE):
            laid["src/main/java/" + path.removeprefix(REFERENCE)] = files[path]
            continue
        own = PurePosixPath(path)
        stubs = [stub for stub in roles.solution if PurePosixPath(stub).suffix == own.suffix and stub not in laid]
        laid[stubs[0] if stubs else str(PurePosixPath(roles.solution[0]).parent / own.name)] = files[path]
    if (crates := ".meta/Cargo-example.toml") in files:
        laid["Cargo.toml"] = files[crates]
    return laid


def grader(language: Language | None) -> str:
    """A digest of what grades exercises of this language, beyond the exercise."""
    if language is None:
        return ""
    sources = [Path(module.__file__ or "") for module in (languages, outcomes, reported)]
    return digest({path.name: File(path.read_bytes()) for path in sources})
