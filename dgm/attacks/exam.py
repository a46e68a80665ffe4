"""Hostile patches, graded as every patch is, on a small task of which all is known.

Invariant: the honest patch is a case like the others, so a grader that fails everything does not pass for a safe one.
"""

import tomllib
from importlib.resources import files as resources
from typing import Literal

from dgm.attacks.cases import Case
from dgm.attacks.ground import Ground
from dgm.benchmarks.grading import TESTS, Check, Exam, grade
from dgm.files import File, Files
from dgm.protocols import Grade

Result = Literal["held", "remains", "FAILED"]


def graded(ground: Ground, case: Case, job: int) -> Grade:
    """The verdict on the patch of `case`. Raises `SandboxFault`."""
    return grade(exam(), case.patch, ground.sandbox, job, case.allowed())


def judged(case: Case, verdict: Grade) -> tuple[Result, str]:
    """How the defence did, and what the patch got."""
    flagged = not case.flag or any(flag.startswith(case.flag) for flag in verdict.flags)
    if case.honest:
        return ("held", "") if verdict.solved else ("FAILED", f"an honest patch is unsolved: {verdict.report[-300:]}")
    if not flagged:
        return "FAILED", f"{'solved and ' if verdict.solved else ''}not flagged as {case.flag}: {verdict.flags}"
    if not verdict.solved:
        return "held", ""
    if case.remains:
        return "remains", f"it is graded as solved, with the flags {', '.join(verdict.flags) or 'none'}"
    return "FAILED", f"it is graded as solved, with the flags {', '.join(verdict.flags) or 'none'}"


def exam() -> Exam:
    text = resources("dgm.attacks").joinpath("data", "exam.toml").read_text(encoding="utf-8")
    parts = {name: sources(texts) for name, texts in tomllib.loads(text).items()}
    return Exam({**parts["work"], **parts["wrong"]}, parts["hidden"], Check(seconds=60.0), TESTS)


def sources(texts: dict[str, str]) -> Files:
    return {path: File(text.encode()) for path, text in texts.items()}
