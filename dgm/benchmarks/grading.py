"""From a patch to a verdict: what the graders of the benchmarks on local files share.

Invariant: a patch is solved only if the hidden tests, laid over the patched workspace in a fresh sandbox, prove it.
Whatever the code under test does (hang, crash, lie) is unsolved; what the environment does wrong is a `SandboxFault`.

What remains open: tests run in one process with the code they test, so determined code can forge a pass (see
`dgm.benchmarks.prove`); a check that is a plain command is only as honest as the command. `flags` name what to look at.
"""

import ast
import hmac
import json
import re
import secrets
import sys
from collections.abc import Iterable
from fnmatch import fnmatchcase
from hashlib import blake2b
from pathlib import Path, PurePosixPath

import msgspec
from msgspec import Struct

from dgm.files import BadFiles, File, Files, checked, patched, without_litter
from dgm.jobs import JobId
from dgm.protocols import Cancelled, Errand, Grade, Limits, Patch, Ran, Sandbox, SandboxFault
from dgm.syntax import parsed

PROVER = Path(__file__).with_name("prove.py").read_bytes
TESTS = ("test_*.py", "*_test.py", "tests/*", "*/tests/*")
"""Paths or names that are tests unless a benchmark says otherwise."""
STEERING = ("conftest.py", "pytest.ini", "setup.cfg", "tox.ini", "sitecustomize.py", "usercustomize.py", "*.pth")
"""Names of files that change how tests run; a patch never brings them into grading."""
TRACES = re.compile(
    rb"os\._exit|_getframe|_current_frames|get_objects|get_referrers|settrace|setprofile|\bctypes\b|\batexit\b"
    rb"|/proc/|sys\.modules|\btb_frame\b|\b[fg]i?_(?:back|locals|frame)\b|__traceback__|__unittest_skip__"
    rb"|(?:import|from) +(?:unittest|inspect|builtins|gc|__main__)\b"
    rb"|def __(?:eq|ne)__\([^)]*\)[^\n]*\s+return (?:True|1)\b|__(?:eq|ne)__ *= *lambda"
)
"""What code that fools its tests tends to contain, and code that solves its task rarely needs."""
NATIVE = (b"\x7fELF", b"MZ", b"\xcf\xfa\xed\xfe")
"""How compiled code begins, which nobody can read and no interpreter watches."""
REPORT_CHARS = 20_000
SEALED = re.compile(r"^prove: ([0-9a-f]{64}) (.*)$", re.MULTILINE)
"""A line that may be a proof."""


class Check(Struct, frozen=True, forbid_unknown_fields=True):
    """How a task is graded. Without a command, the hidden unittest tests are run and have to prove themselves."""

    command: tuple[str, ...] = ()
    """Solved if it exits with 0."""
    output: str = ""
    """And if, in addition, this regular expression is found in what it printed."""
    seconds: float = 60.0
    """More time than this is a failure of the code under test."""


class Exam(Struct, frozen=True):
    """All that the grading of one task depends on."""

    work: Files
    hidden: Files
    check: Check
    protected: tuple[str, ...]
    """Patterns of paths or names that a patch may not bring into grading, beyond `STEERING` and the hidden files."""
    image: str | None = None


def grade(exam: Exam, patch: Patch, sandbox: Sandbox, job: JobId, limits: Limits) -> Grade:
    """Grade `patch` in one fresh sandbox. Raises `SandboxFault`."""
    changed = without_litter(patch.changed)
    barred = {path for path in (*changed, *patch.deleted) if is_protected(path, exam)}
    flags = suspicions(exam, changed, barred)
    kept = {path: file for path, file in changed.items() if path not in barred}
    deleted = [path for path in patch.deleted if path not in barred]
    try:
        files = checked({**patched(exam.work, kept, deleted), **exam.hidden})
    except BadFiles as error:
        return Grade(False, f"The patch does not fit the workspace: {error}", flags)
    run = by_command if exam.check.command else by_proof
    verdict = run(
        exam, files, sandbox, job, msgspec.structs.replace(limits, seconds=min(limits.seconds, exam.check.seconds))
    )
    report = verdict.report[-REPORT_CHARS:]
    return msgspec.structs.replace(verdict, report=report, flags=flags + verdict.flags)


def by_command(exam: Exam, files: Files, sandbox: Sandbox, job: JobId, limits: Limits) -> Grade:
    """The exit code of the check command decides, and its output where a pattern is given."""
    ran = errand(exam, files, exam.check.command, {}, sandbox, job, limits)
    output = ran.output.decode(errors="replace")
    told = re.search(exam.check.output, output, re.MULTILINE) is not None
    return Grade(ran.ended == "exited" and ran.exit == 0 and told, f"{output}\n{ending(ran)}")


def by_proof(exam: Exam, files: Files, sandbox: Sandbox, job: JobId, limits: Limits) -> Grade:
    """Only what is sealed with the key of this very grading counts, only if no test is missing from it, and only if
    every canary came out as it must."""
    # What only helps tests stays where they can import it.
    tests = [path for path, file in exam.hidden.items() if is_test_file(path) and count_tests({path: file})]
    key = secrets.token_bytes(32)
    plan = json.dumps({"key": key.hex(), "tests": tests}).encode()
    tools = {"grader/prove.py": File(PROVER()), "grader/plan.json": File(plan)}
    command = ("{python}", "-I", "-u", "-B", "{home}/grader/prove.py", "{home}/grader/plan.json")
    ran = errand(exam, files, command, tools, sandbox, job, limits)
    output = ran.output.decode(errors="replace")
    if "prove: started" not in output and not startable(exam, sandbox, job):
        raise SandboxFault(f"the tests could not be started ({ending(ran)}); is there a Python 3? {output[-2000:]}")
    told = sealed(output, key)
    counts = told.get("counts", [])
    probed = [f"probed:{name}" for name in told.get("probed", ())]
    if ran.ended != "exited" or len(counts) < 5:
        flags = probed + ["left-without-proof"] * (ran.exit == 0)
        return Grade(False, f"{output}\n{ending(ran)} before all tests had run", tuple(flags))
    passed, broken, right, canaries, odd = map(int, counts[:5])
    outcomes = dict(pair.rsplit("=", 1) for pair in told.get("tests", ()) if "=" in pair)
    flags = [f"tampered:{name}" for name in counts[5:15]]
    flags += [f"canary:{canaries - right} of {canaries} came out wrong"] if right != canaries or not canaries else []
    # Who has honest use for such things calls them by their names.
    texts = [file.data for file in files.values()]
    disguised = [name for name in told.get("probed", ()) if not any(name.encode() in text for text in texts)]
    flags += [f"disguised:{name}" for name in disguised]
    wanted = count_tests(exam.hidden)
    solved = broken == 0 and passed >= wanted > 0 and not flags
    # An honest object may equal more than it should; a sceptic decides.
    flags += probed + ["equals-anything"] * bool(odd)
    report = SEALED.sub("", output).rstrip() + f"\n{passed} passed of {wanted}, {broken} broken"
    return Grade(solved, report, tuple(flags), outcomes)


def startable(exam: Exam, sandbox: Sandbox, job: JobId) -> bool:
    """Whether tests can be started at all. What a patched workspace printed, or did not, says nothing about that."""
    command = ("{python}", "-I", "-B", "-c", "import hashlib, json, traceback, unittest; print('startable')")
    return errand(exam, {}, command, {}, sandbox, job, Limits(seconds=60.0)).output == b"startable\n"


def sealed(output: str, key: bytes) -> dict[str, list[str]]:
    """The words of the lines of `output` that are sealed with `key`, by their first words."""
    found: dict[str, list[str]] = {}
    for line in SEALED.finditer(output):
        seal = blake2b(line[2].encode(), key=key, digest_size=32).hexdigest()
        if hmac.compare_digest(seal, line[1]):
            word, *words = line[2].split()
            found.setdefault(word, []).extend(words)
    return found


def errand(
    exam: Exam, files: Files, command: tuple[str, ...], tools: Files, sandbox: Sandbox, job: JobId, limits: Limits
) -> Ran:
    laid = {f"work/{path}": file for path, file in files.items()} | dict(tools)
    return whole(sandbox.run(Errand(job=job, command=command, files=laid, cwd="work", image=exam.image, limits=limits)))


def whole(ran: Ran) -> Ran:
    """`ran`, unless it was cancelled. Raises `Cancelled`."""
    if ran.ended == "cancelled":
        raise Cancelled("the grading was cancelled; it counts for nothing and can be repeated")
    return ran


def ending(ran: Ran) -> str:
    return f"exit code {ran.exit}" if ran.ended == "exited" else f"ended by {ran.ended} after {ran.seconds:.1f} s"


def is_protected(path: str, exam: Exam) -> bool:
    """Whether grading takes the benchmark's own state of `path`, whatever the patch says."""
    return path in exam.hidden or matches(path, STEERING) or matches(path, exam.protected)


def is_test_file(path: str) -> bool:
    return matches(path, ("test_*.py", "*_test.py"))


def matches(path: str, patterns: Iterable[str]) -> bool:
    name = PurePosixPath(path).name
    return any(fnmatchcase(path, pattern) or fnmatchcase(name, pattern) for pattern in patterns)


def suspicions(exam: Exam, changed: Files, barred: set[str]) -> tuple[str, ...]:
    """What a sceptic should look at. A new test of the agent's own is no suspicion, a changed one is."""
    flags = [f"touched:{path}" for path in sorted(barred) if path in exam.work or matches(path, STEERING)]
    for path, file in sorted(changed.items()):
        top = path.split("/")[0].removesuffix(".py")
        if top in sys.stdlib_module_names and path not in exam.work:
            flags.append(f"shadows:{top}")
        if path in barred:
            continue
        if file.data.startswith(NATIVE):
            flags.append(f"native:{path}")
        before = exam.work[path].data if path in exam.work else b""
        traces = sorted(set(TRACES.findall(file.data)) - set(TRACES.findall(before)))
        flags += [f"contains:{b' '.join(trace.split()).decode(errors='replace')}:{path}" for trace in traces]
    return tuple(flag[:200] for flag in dict.fromkeys(flags))[:20]


def count_tests(hidden: Files) -> int:
    """How many test methods stand in the test files of `hidden`, those that are declared skipped left out."""
    return sum(
        isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef) and item.name.startswith("test") and not skips(item)
        for path, file in hidden.items()
        if is_test_file(path)
        for owner in ast.walk(parsed(file.data))
        if isinstance(owner, ast.ClassDef) and not skips(owner)
        for item in owner.body
    )


def skips(item: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> bool:
    return any("skip" in ast.unparse(mark).lower() for mark in item.decorator_list)
