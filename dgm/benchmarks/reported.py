"""From a patch to a verdict where a test framework of another language reports, test by test.

Invariant: a patch is solved only if every canary came out as it must, every other test passed, no fewer tests than
stand in the benchmark's files were seen, and the framework reported all of it from a fresh sandbox.

What remains open: code under test shares a process or at least a user with its tests. Code that reads the tests while
it runs, and writes a report of its own with the canaries in it, forges a pass; `flags` name the usual traces of that.
"""

import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from secrets import token_hex
from typing import Any

import msgspec
from msgspec import Struct

from dgm.benchmarks.grading import REPORT_CHARS, Exam, ending, matches, whole
from dgm.benchmarks.languages import Language, number_of_tests
from dgm.benchmarks.outcomes import BadReport
from dgm.files import BadFiles, File, Files, checked, patched, without_litter
from dgm.jobs import JobId
from dgm.protocols import Errand, Grade, Limits, Patch, Ran, Sandbox

SETUP = """for need in "$@"; do
    command -v "$need" >/dev/null || test -e "$need" || { echo "there is no $need in this image"; exit 1; }
done"""
RUN = 'mkdir -p "$HOME/report"\n'


class Canaries(Struct, frozen=True):
    """Tests of the grader's own among those of one grading."""

    files: Files
    """The files of tests with the canaries in them."""
    passing: Mapping[str, int]
    """Random name to how many reports have to hold it."""
    failing: Mapping[str, int]


def grade(
    exam: Exam, language: Language, folder: str, patch: Patch, sandbox: Sandbox, job: JobId, limits: Limits
) -> Grade:
    """Grade `patch` in one fresh sandbox, with the workspace at `folder`. Raises `SandboxFault`."""
    changed = without_litter(patch.changed)
    barred = {path for path in (*changed, *patch.deleted) if is_barred(path, exam, language)}
    flags = suspicions(exam, language, changed, barred)
    kept = {path: file for path, file in changed.items() if path not in barred}
    kept |= crates(exam.work, changed)
    tests = {path: count for path, file in exam.hidden.items() if (count := number_of_tests(file.text, language))}
    if not tests:
        return Grade(False, "The benchmark has no tests for this.", flags)
    canaries = with_canaries(exam.hidden, language)
    try:
        deleted = [path for path in patch.deleted if path not in barred]
        files = checked({**patched(exam.work, kept, deleted), **exam.hidden, **canaries.files})
    except BadFiles as error:
        return Grade(False, f"The patch does not fit the workspace: {error}", flags)
    ran = run(exam, language, folder, files, list(tests), sandbox, job, limits)
    verdict = judged(ran, canaries, sum(tests.values()), language)
    return msgspec.structs.replace(
        verdict,
        report=verdict.report[-REPORT_CHARS:],
        flags=flags + verdict.flags,
        image=sandbox.identity(exam.image),
        seconds=round(ran.seconds, 3),
    )


def run(
    exam: Exam,
    language: Language,
    folder: str,
    files: Files,
    tests: Sequence[str],
    sandbox: Sandbox,
    job: JobId,
    limits: Limits,
) -> Ran:
    laid = {f"{folder}/{path}": file for path, file in files.items()}
    for name, text in language.tools.items():
        laid[f"grader/{name}"] = File(text.replace("WORKSPACE", folder).encode())
    limits = msgspec.structs.replace(
        limits,
        seconds=min(limits.seconds, exam.check.seconds),
        memory_mb=max(limits.memory_mb, language.memory_mb),
        disk_mb=max(limits.disk_mb, language.disk_mb),
    )
    ran = sandbox.run(
        Errand(
            job=job,
            # A toolchain that is not there is found out before any code of an agent runs: nobody's wrong answer.
            setup=("sh", "-c", SETUP, "sh", *language.needs),
            command=("sh", "-c", RUN + language.command),
            files=laid,
            cwd=folder,
            env={"TESTS": " ".join(tests), "EXERCISE": folder},
            take=("report",),
            image=exam.image,
            limits=limits,
        )
    )
    return whole(ran)


def judged(ran: Ran, canaries: Canaries, wanted: int, language: Language) -> Grade:
    """The verdict on what a run left behind. `wanted`: how many tests have to pass at least."""
    output = without_canaries(ran.output.decode(errors="replace"), canaries, language)
    reports = {path.removeprefix("report/"): file for path, file in ran.changed.items()}
    try:
        found = language.outcomes(reports)
    except BadReport as error:
        return Grade(False, f"{output}\n{error} ({ending(ran)})", ("unreadable report",))
    output += without_canaries(language.story(reports), canaries, language)
    wrong = [name for name, times in canaries.passing.items() if seen(found, name) != ["passed"] * times]
    wrong += [name for name, times in canaries.failing.items() if seen(found, name) != ["failed"] * times]
    names = (*canaries.passing, *canaries.failing)
    outcomes = {id: outcome for id, outcome in found.items() if not any(name in id for name in names)}
    passed = sum(outcome == "passed" and language.part not in id for id, outcome in outcomes.items())
    bad = [id for id, outcome in outcomes.items() if outcome != "passed"]
    solved = ran.ended == "exited" and not wrong and not bad and passed >= wanted > 0
    text = f"{output}\n{passed} passed of {wanted}, {len(bad)} did not" + "".join(f"\n  {id}" for id in bad[:20])
    if not found:
        return Grade(False, f"{output}\nno test was reported: {ending(ran)}")
    flags = () if not wrong or bad or passed < wanted else (f"canary:{len(wrong)} of {len(names)} came out wrong",)
    return Grade(solved, f"{text}\n{ending(ran)}" if ran.ended != "exited" else text, flags, outcomes)


def seen(found: Mapping[str, str], name: str) -> list[str]:
    return [outcome for id, outcome in found.items() if name in id]


# ---------------------------------------------------------------- canaries


def with_canaries(hidden: Files, language: Language) -> Canaries:
    """The files of tests with canaries, under names drawn for this very grading."""
    how = language.canary
    names = ["Q" + token_hex(8).upper() for _ in range(len(how.failing) + 1)]
    bodies = [how.passing, *how.failing]
    tests = "".join(
        how.test.format(name=name, body=body.format(name=name)) for name, body in zip(names, bodies, strict=True)
    )
    places = [path for path, file in hidden.items() if number_of_tests(file.text, language)]
    if how.path:
        # Beside the tests, whose package it has to be in.
        package = re.search(r"^package (\w+)", hidden[places[0]].text, re.MULTILINE)
        folder = places[0].rpartition("/")[0]
        words = {"name": "Q" + token_hex(8).upper(), "folder": folder, "package": package[1] if package else ""}
        files = {how.path.format(**words).lstrip("/"): File((how.before.format(**words) + tests + how.after).encode())}
    else:
        files = {path: File(hidden[path].data + tests.encode(), hidden[path].executable) for path in places}
    return Canaries(files, {names[0]: len(files)}, dict.fromkeys(names[1:], len(files)))


def without_canaries(report: str, canaries: Canaries, language: Language) -> str:
    """What a report says on the tests that somebody wrote, and not on the grader's own."""
    names = {
        *canaries.passing,
        *canaries.failing,
        *(PurePosixPath(path).stem for path in canaries.files if language.canary.path),
    }
    name = f"(?:{'|'.join(names)})"
    report = re.sub(language.noise.replace("NAME", name), "", report, flags=re.MULTILINE)
    report = re.sub(f"^[^\\n]*{name}[^\\n]*(?:\\n|\\Z)", "", report, flags=re.MULTILINE)
    return re.sub(r"\n{4,}", "\n\n\n", report)


# ---------------------------------------------------------------- what a patch may change


def is_barred(path: str, exam: Exam, language: Language) -> bool:
    """Whether grading takes the benchmark's own state of `path`, whatever the patch says."""
    return path in exam.hidden or matches(path, (*language.tests, *language.steering, *exam.protected))


def suspicions(exam: Exam, language: Language, changed: Files, barred: set[str]) -> tuple[str, ...]:
    """What a sceptic should look at. A new test of the agent's own is no suspicion, a changed one is."""
    steering = {path for path in barred if path in exam.work or path in exam.hidden or matches(path, language.steering)}
    if "Cargo.toml" in changed and "Cargo.toml" in exam.work and only_crates(exam.work, changed):
        steering.discard("Cargo.toml")
    flags = [f"touched:{path}" for path in sorted(steering)]
    for path, file in sorted(changed.items()):
        if path not in barred:
            before = exam.work[path].text if path in exam.work else ""
            traces = set(re.findall(language.traces, file.text)) - set(re.findall(language.traces, before))
            flags += [f"contains:{' '.join(trace.split())}:{path}" for trace in sorted(traces)]
    return tuple(flag[:200] for flag in flags)[:20]


def crates(work: Files, changed: Files) -> Files:
    """The benchmark's Cargo.toml with the dependencies of the patch, where they are plain ones, in whatever version the
    image has: what else such a file can say, decides how tests are run."""
    if "Cargo.toml" not in work or "Cargo.toml" not in changed:
        return {}
    text = work["Cargo.toml"].text
    own, asked = cargo(work).get("dependencies", {}), cargo(changed).get("dependencies", {})
    for name, spec in asked.items() if isinstance(asked, dict) else ():
        table = spec if isinstance(spec, dict) else {"version": spec}
        if name not in own and re.fullmatch(r"[\w-]+", name) and is_plain(table):
            lines = [
                f"{key} = {msgspec.json.encode(value).decode()}\n" for key, value in table.items() if key != "version"
            ]
            text += f'\n[dependencies.{name}]\nversion = "*"\n' + "".join(lines)
    return {"Cargo.toml": File(text.encode())}


def is_plain(table: Mapping[str, object]) -> bool:
    """Whether a dependency is a crate by version and features, not code from elsewhere."""
    kinds = {"version": str, "features": list, "default-features": bool, "package": str}
    return all(isinstance(value, kinds.get(key, ())) for key, value in table.items())


def cargo(files: Files) -> dict[str, Any]:
    """What Cargo.toml says; nothing where it cannot be read."""
    try:
        return tomllib.loads(files["Cargo.toml"].text)
    except tomllib.TOMLDecodeError:
        return {}


def only_crates(work: Files, changed: Files) -> bool:
    """Whether a patch adds nothing but dependencies to Cargo.toml."""
    before, after = cargo(work), cargo(changed)
    return all(before.get(key) == after.get(key) for key in {*before, *after} - {"dependencies", "package"})
