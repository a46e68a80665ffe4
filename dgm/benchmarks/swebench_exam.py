"""One run of a SWE-bench task's tests, and the verdict on it.

Invariant: solved is what the official grading calls resolved and pytest's own proof, where there is one, does not
contradict. What the code under test does is unsolved; only tests that were never begun are a `SandboxFault`.
"""

import msgspec
from msgspec import Struct

from dgm.benchmarks import swebench_official
from dgm.benchmarks.grading import REPORT_CHARS, ending, whole
from dgm.benchmarks.swebench_official import OK, Official
from dgm.benchmarks.swebench_patch import Filtered
from dgm.benchmarks.swebench_proof import Proof, Result, contradicted, read_proof
from dgm.benchmarks.swebench_rows import END, START, Row
from dgm.protocols import Grade, Ran, SandboxFault

PLACE = "/dgm-grading"
"""The grader's folder in its container; that it is outside of home makes it root's errand, as the official one is."""
LOG_BYTES = 50 << 20
TESTS_KEPT = 1000


class Sitting(Struct, frozen=True):
    """One run of the tests, and what to make of it."""

    official: Official | None
    """None: there is no log to judge."""
    proof: Proof | None
    """None: none was asked for."""
    report: str
    flags: tuple[str, ...]
    seconds: float

    @property
    def hopeless(self) -> bool:
        """Whether it is unsolved whatever the proof says."""
        return self.official is None or not self.official.resolved

    def grade(self, image: str) -> Grade:
        flags, solved, report = [*self.flags], not self.hopeless, self.report
        if self.proof is None:
            flags += ["unproven"] if solved else []
        else:
            against = self._against(self.proof, solved)
            solved = solved and not against
            flags += against
            if self.proof.distributed and solved:
                flags.append("unproven")
        tests = {} if self.official is None else told(self.official)
        versions = {"swebench": swebench_official.version()}
        unique = tuple(flag[:200] for flag in dict.fromkeys(flags))[:40]
        return Grade(solved, report[-REPORT_CHARS:], unique, tests, image, self.seconds, versions)

    def _against(self, proof: Proof, resolved: bool) -> list[str]:
        """Flags for each reason not to believe the log."""
        flags = list(proof.odd)
        if proof.state == "absent" and resolved:
            flags.append("prevented-proof")
        if proof.state == "left" and (resolved or (self.official is not None and self.official.exit == 0)):
            flags.append("left-without-proof")
        if proof.state == "whole" and not proof.distributed and self.official is not None:
            flags += [f"contradicted:{case}" for case in contradicted(self.official.required, proof)[:5]]
        return flags


def examined(row: Row, filter: Filtered, ran: Ran, prove: bool) -> Sitting:
    """What an errand of the grader amounts to. Raises `SandboxFault` if the tests were not even begun."""
    whole(ran)
    output = ran.output.decode(errors="replace")
    result, log = read_result(ran)
    if result is not None and result.refused:
        return Sitting(
            None, None, f"These paths do not fit the repository: {', '.join(result.refused)}", filter.flags, 0.0
        )
    if "begun" not in output.splitlines()[:1] and ran.ended == "exited":
        raise SandboxFault(f"the tests could not be started in {row.image} ({ending(ran)}): {output[-2000:]}")
    if result is None:
        flag = ["killed-grader"] if ran.ended == "exited" else []
        return Sitting(None, None, f"{ending(ran)} before all tests had run", (*filter.flags, *flag), ran.seconds)
    flags = [*filter.flags, *(f"contains:{trace}" for trace in result.traces)]
    flags += [f"shadows:{path}" for path in result.barred]
    if log is None:
        report = f"the tests printed {result.log_bytes:,} bytes, which are more than the {LOG_BYTES:,} that are read"
        return Sitting(None, None, report, (*flags, "log-too-large"), result.seconds)
    official = swebench_official.verdict(row.official(), log)
    proof = read_proof(result) if prove else None
    text = log.decode(errors="replace")
    return Sitting(official, proof, shown(text), tuple(flags), result.seconds)


def read_result(ran: Ran) -> tuple[Result | None, bytes | None]:
    given = ran.changed.get(f"{PLACE}/out/result.json")
    log = ran.changed.get(f"{PLACE}/out/log")
    try:
        result = None if given is None else msgspec.json.decode(given.data, type=Result)
    except msgspec.MsgspecError:
        result = None
    return result, None if log is None else log.data


def shown(log: str) -> str:
    """The part of the log that the tests printed, if that can be told."""
    inside = log.partition(START)[2].rpartition(END)[0]
    # The markers are words of two commands, which the shell shows.
    return inside.partition("\n")[2].rpartition("\n")[0] or log


def told(official: Official) -> dict[str, str]:
    """The required tests, those that are not good first, and how many others there were."""
    cases = sorted(official.required.items(), key=lambda item: item[1] in OK)[:TESTS_KEPT]
    others = len(set(official.statuses) - set(official.required))
    return dict(cases) | ({"(others)": f"{others}"} if others else {})
